namespace Lemma.Language.LongText;

/// <summary>A summary of a text and the smaller ones that it was made of.</summary>
/// <param name="Text">The summary of the whole.</param>
/// <param name="Levels">The summaries of the text's pieces, then those of each level above; the last level has one.</param>
public sealed record Summary(string Text, IReadOnlyList<IReadOnlyList<SummaryPiece>> Levels);

/// <summary>A piece and its summary.</summary>
/// <param name="Chunk">The piece: of the text, or of the summaries of the level below, joined by empty lines.</param>
/// <param name="Text">Its summary.</param>
public sealed record SummaryPiece(TextChunk Chunk, string Text);

/// <summary>How far a summary is.</summary>
/// <param name="Level">The level at work, from 1.</param>
/// <param name="Done">How many of its pieces are finished.</param>
/// <param name="All">How many it has.</param>
public readonly record struct SummaryProgress(int Level, int Done, int All);
