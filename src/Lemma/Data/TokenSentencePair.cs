namespace Lemma.Data;

/// <summary>Two texts as ids, and how well they go together.</summary>
/// <param name="First">The ids of the first text, special ones included; at least one.</param>
/// <param name="Second">The ids of the second text, special ones included; at least one.</param>
/// <param name="Score">From 0 for not at all to 1.</param>
public sealed record TokenSentencePair(ReadOnlyMemory<int> First, ReadOnlyMemory<int> Second, double Score = 1);
