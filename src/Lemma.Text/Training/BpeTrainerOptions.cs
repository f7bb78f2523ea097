using Lemma.Text.Decoding;

namespace Lemma.Text.Training;

/// <summary>What a word consists of before its pairs merge.</summary>
public enum BpeUnits
{
    /// <summary>The bytes of its UTF-8 form, in GPT-2's alphabet: no text is unknown.</summary>
    Bytes,

    /// <summary>Its characters (Unicode scalars); others than those learned are unknown.</summary>
    Characters,

    /// <summary>Its characters; others than those learned become pieces &lt;0x00&gt; to &lt;0xFF&gt; of their bytes, as in Llama.</summary>
    CharactersOrBytes,
}

/// <summary>What a BPE vocabulary is trained to.</summary>
/// <remarks>Without a splitter, bytes have GPT-2's words; characters have words that begin with the mark of a space, U+2581, and line
/// feeds apart. Another splitter of bytes, such as <c>PatternSplitter.Of(WordPattern.Cl100k)</c>, cuts the text as it is: its pieces are
/// spelled in bytes afterwards.</remarks>
public sealed record BpeTrainerOptions : TrainerOptions
{
    /// <summary>4,096 pieces of bytes, and one special token.</summary>
    public BpeTrainerOptions() => (VocabularySize, SpecialTokens) = (4096, ["<|endoftext|>"]);

    /// <summary>What words consist of before pairs merge.</summary>
    public BpeUnits Units { get; init; }

    /// <summary>The least number of times that a pair must occur to be merged; at least 1.</summary>
    public long MinimumFrequency { get; init; } = 2;

    /// <summary>The most distinct characters, the most frequent first, of equals those of the lowest code points; null for all. Bytes have
    /// no such limit.</summary>
    public int? AlphabetSize { get; init; }

    /// <summary>The most units (bytes or characters) of a piece; null for any.</summary>
    public int? LongestPiece { get; init; }

    /// <summary>The piece of unknown characters; the first special token where it is none of those given. Only for
    /// <see cref="BpeUnits.Characters"/>.</summary>
    public string UnknownPiece { get; init; } = "<unk>";

    /// <summary>What makes text of pieces of characters; null for the one that goes with the words of their own. Bytes have their own.</summary>
    public PieceDecoder? Decoder { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        int bytes = Units == BpeUnits.Characters ? 0 : 256, least = bytes + AllSpecialTokens.Count;
        if (VocabularySize < least)
            throw new ArgumentException(
                $"train: the vocabulary must hold {bytes} bytes and {AllSpecialTokens.Count} special tokens, but its size is {VocabularySize}");
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
        if (Units == BpeUnits.Bytes && AlphabetSize is not null)
            throw new ArgumentException($"train: the alphabet of bytes has no other size than 256, but {AlphabetSize} is asked for");
        if (Units == BpeUnits.Bytes && Decoder is not null)
            throw new ArgumentException("train: bytes have a decoder of their own, but another one is given");
        if (AlphabetSize < 1 || LongestPiece < 1)
            throw new ArgumentException("train: the size of the alphabet and the longest piece must be at least 1");
        base.Validate();
    }

    internal override IReadOnlyList<string> AllSpecialTokens =>
        Units != BpeUnits.Characters || SpecialTokens.Contains(UnknownPiece) ? SpecialTokens : [UnknownPiece, .. SpecialTokens];
}
