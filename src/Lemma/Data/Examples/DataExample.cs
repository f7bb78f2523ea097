using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>What one line of a file, one element or one index of a source holds.</summary>
/// <param name="Source">Where it comes from, for messages: a file with its line or element, or a source with its index.</param>
public abstract record DataExample(string Source)
{
    /// <summary>The texts that it consists of, in order.</summary>
    internal abstract IEnumerable<string> Texts { get; }
}

/// <summary>A conversation to learn from: the assistant's turns are the example.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Messages">The turns.</param>
/// <param name="Tools">The tools that the assistant may call, a list of their JSON schemas; null for none.</param>
public sealed record ChatExample(string Source, IReadOnlyList<ChatMessage> Messages, JsonElement? Tools = null) : DataExample(Source)
{
    internal override IEnumerable<string> Texts => [.. Turns.Texts(Messages), .. Turns.Texts(Tools)];
}

/// <summary>Two answers to one prompt, of which the first is preferred.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Prompt">What both answer.</param>
/// <param name="Chosen">The answer that is preferred, one turn or several.</param>
/// <param name="Rejected">The other answer.</param>
/// <param name="Tools">The tools that the assistant may call; null for none.</param>
public sealed record PreferenceExample(string Source, IReadOnlyList<ChatMessage> Prompt, IReadOnlyList<ChatMessage> Chosen,
    IReadOnlyList<ChatMessage> Rejected, JsonElement? Tools = null) : DataExample(Source)
{
    internal override IEnumerable<string> Texts =>
        [.. Turns.Texts(Prompt), "chosen", .. Turns.Texts(Chosen), "rejected", .. Turns.Texts(Rejected), .. Turns.Texts(Tools)];
}

/// <summary>One answer to a prompt, and whether it is a good one.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Prompt">What is answered.</param>
/// <param name="Completion">The answer, one turn or several.</param>
/// <param name="IsDesired">Whether it is a good one.</param>
/// <param name="Tools">The tools that the assistant may call; null for none.</param>
public sealed record FeedbackExample(string Source, IReadOnlyList<ChatMessage> Prompt, IReadOnlyList<ChatMessage> Completion, bool IsDesired,
    JsonElement? Tools = null) : DataExample(Source)
{
    internal override IEnumerable<string> Texts =>
        [.. Turns.Texts(Prompt), IsDesired ? "desired" : "undesired", .. Turns.Texts(Completion), .. Turns.Texts(Tools)];
}

/// <summary>A prompt whose right answer is known, so that any answer can be checked (<see cref="AnswerCheck"/>).</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Prompt">What is asked.</param>
/// <param name="Answer">The right answer.</param>
/// <param name="Tools">The tools that the assistant may call; null for none.</param>
public sealed record VerifiableExample(string Source, IReadOnlyList<ChatMessage> Prompt, string Answer, JsonElement? Tools = null) : DataExample(Source)
{
    internal override IEnumerable<string> Texts => [.. Turns.Texts(Prompt), Answer, .. Turns.Texts(Tools)];
}

/// <summary>Two texts, and how well they go together.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="First">The first text.</param>
/// <param name="Second">The second text.</param>
/// <param name="Score">From 0 for not at all to 1.</param>
public sealed record SentencePair(string Source, string First, string Second, double Score) : DataExample(Source)
{
    internal override IEnumerable<string> Texts => [First, Second];
}

/// <summary>A text and what is to be made of it.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Input">The text.</param>
/// <param name="Output">What is to be made of it.</param>
public sealed record SequencePair(string Source, string Input, string Output) : DataExample(Source)
{
    internal override IEnumerable<string> Texts => [Input, Output];
}
