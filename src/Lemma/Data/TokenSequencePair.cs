namespace Lemma.Data;

/// <summary>What an encoder reads, and what the decoder says of it.</summary>
/// <param name="Source">The ids of the source, at least one.</param>
/// <param name="Target">The ids of the target, with the id that ends it.</param>
public sealed record TokenSequencePair(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target);

/// <summary>A text with places to fill in, for an encoder.</summary>
/// <param name="Ids">The ids, special ones included.</param>
/// <param name="TokenTypes">The kind of each id, for models with kinds: which of two sentences; empty for kind 0.</param>
/// <param name="Class">What the text is, such as whether its second sentence follows the first (0) or not (1); null where nothing is asked.</param>
public sealed record MaskedText(ReadOnlyMemory<int> Ids, ReadOnlyMemory<int> TokenTypes = default, int? Class = null);
