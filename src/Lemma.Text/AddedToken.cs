namespace Lemma.Text;

/// <summary>A token that is found in the text before it is split, such as &lt;|endoftext|&gt;.</summary>
/// <param name="Id">Its id; at least 0.</param>
/// <param name="Content">Its text; not empty.</param>
public sealed record AddedToken(int Id, string Content)
{
    /// <summary>Whether it carries a meaning instead of text, so that decoding may skip it.</summary>
    public bool IsSpecial { get; init; } = true;

    /// <summary>Whether it is found only where no word character stands beside it.</summary>
    public bool IsSingleWord { get; init; }

    /// <summary>Whether it takes the white space before it.</summary>
    public bool StripsLeft { get; init; }

    /// <summary>Whether it takes the white space after it.</summary>
    public bool StripsRight { get; init; }

    /// <summary>Whether it is sought, itself normalized, in the normalized text, and not in the text as given.</summary>
    public bool IsNormalized { get; init; }

    /// <summary>Whether no text means it, only its id does: SentencePiece's start and end. A tokenizer.json does not say this.</summary>
    public bool IsHidden { get; init; }
}
