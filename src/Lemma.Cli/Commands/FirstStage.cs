using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>What the first of several stages has in place of the quickstart's own.</summary>
/// <param name="Told">How stories are told.</param>
/// <param name="Shape">The model's shape.</param>
/// <param name="Options">How it is trained.</param>
internal sealed record FirstStage(StoryOptions Told, DecoderConfig Shape, TrainingOptions Options);
