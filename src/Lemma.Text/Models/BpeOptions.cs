namespace Lemma.Text.Models;

/// <summary>What byte-pair encoding does besides merging; the defaults are those of byte-level BPE.</summary>
public sealed record BpeOptions
{
    /// <summary>The piece for characters that the vocabulary lacks; null when there is none, and such a character is left out.</summary>
    public string? UnknownPiece { get; init; }

    /// <summary>Whether neighbouring unknown characters become one unknown piece.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether a character that the vocabulary lacks becomes the pieces &lt;0x00&gt; to &lt;0xFF&gt; of its UTF-8 bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Whether a piece that is whole in the vocabulary is taken without merging.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Whether neighbouring merges that make the same piece have one rank, as in tiktoken; files do not say this.</summary>
    public bool SharesRanks { get; init; }

    /// <summary>The probability in 0 to 1 with which <see cref="Tokenizer.EncodeWithDropout"/> passes over each merge where it is told no
    /// other; all other encodings make every merge.</summary>
    public double Dropout { get; init; }

    /// <summary>What stands before every part of a piece but the first; empty for none.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>What stands after the last part of a piece; empty for none.</summary>
    public string EndSuffix { get; init; } = "";
}
