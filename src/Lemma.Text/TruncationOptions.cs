namespace Lemma.Text;

/// <summary>Which text gives up tokens when two are too long together.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer one, until both are as long, then both in turn.</summary>
    LongestFirst,

    /// <summary>Only the first.</summary>
    OnlyFirst,

    /// <summary>Only the second.</summary>
    OnlySecond,
}

/// <summary>How texts that are too long are cut.</summary>
public sealed record TruncationOptions
{
    /// <summary>The most tokens, special ones included; at least 0.</summary>
    public required int MaximumLength { get; init; }

    /// <summary>Which text gives up tokens.</summary>
    public TruncationStrategy Strategy { get; init; } = TruncationStrategy.LongestFirst;

    /// <summary>How many tokens neighbouring parts share when <see cref="Tokenizer.EncodeParts"/> gives the parts that are cut
    /// off.</summary>
    public int Stride { get; init; }

    /// <summary>Whether tokens at the start are cut, and not at the end.</summary>
    public bool CutsLeft { get; init; }

    /// <summary>How many tokens of each text are kept.</summary>
    /// <param name="first">The tokens of the first text.</param>
    /// <param name="second">The tokens of the second.</param>
    /// <param name="isPair">Whether there is a second.</param>
    /// <param name="around">The special tokens around them.</param>
    internal (int First, int Second) KeptLengths(int first, int second, bool isPair, int around)
    {
        int total = first + second, most = MaximumLength - around;
        // No room for a token of the texts: nothing of both is kept, whatever the strategy.
        if (MaximumLength == 0 || most == 0)
            return (0, 0);
        if (total <= most)
            return (first, second);
        if (most < 0)
            throw new ArgumentException($"truncate: the length must hold the {around} special tokens, but is {MaximumLength}");
        switch (Strategy)
        {
            case TruncationStrategy.LongestFirst when isPair:
                // Both keep half where both are longer; otherwise the shorter one keeps all.
                int shorter = Math.Min(first, second), longer = shorter > most - shorter ? Math.Max(shorter, most - shorter)
                    : most - shorter;
                if (shorter + longer > most)
                    (shorter, longer) = (most / 2, (most / 2) + (most % 2));
                return first > second ? (longer, shorter) : (shorter, longer);
            case TruncationStrategy.OnlySecond:
                return (first, second - Removed(total - most, second, "second"));
            case TruncationStrategy.LongestFirst:
                return (most, second);
            default:
                return (first - Removed(total - most, first, "first"), second);
        }
    }

    /// <summary>The ranges of a text's parts, each of a length of at least 1 and below the text's: the one that is kept first.</summary>
    internal IEnumerable<(int Start, int End)> Parts(int count, int length)
    {
        if (Stride < 0 || Stride >= length)
            throw new ArgumentException($"truncate: the stride must be from 0 to {length - 1}, but is {Stride}");
        for (int at = 0; ; at += length - Stride)
        {
            int far = Math.Min(count, at + length);
            yield return CutsLeft ? (count - far, count - at) : (at, far);
            if (far == count)
                yield break;
        }
    }

    private static int Removed(int count, int of, string which) => count < of || count == 0
        ? count
        : throw new ArgumentException($"truncate: the {which} text must keep a token, but {count} of its {of} are to be cut");
}

/// <summary>How texts that are too short are filled up.</summary>
public sealed record PaddingOptions
{
    /// <summary>The number of tokens that all are filled up to; null for the longest of a batch.</summary>
    public int? FixedLength { get; init; }

    /// <summary>Lengths are rounded up to a multiple of this; null for not.</summary>
    public int? MultipleOf { get; init; }

    /// <summary>Whether the start is filled, and not the end.</summary>
    public bool FillsLeft { get; init; }

    /// <summary>The id that fills.</summary>
    public int Id { get; init; }

    /// <summary>The segment of what fills.</summary>
    public int TypeId { get; init; }

    /// <summary>The piece of the id that fills.</summary>
    public string Piece { get; init; } = "[PAD]";

    /// <summary>The length that a text of a batch is filled up to.</summary>
    /// <param name="longest">The longest of the batch, in tokens.</param>
    public int LengthFor(int longest)
    {
        int length = FixedLength ?? longest;
        return MultipleOf is > 0 and int multiple ? (int)Math.Min(int.MaxValue, ((long)length + multiple - 1) / multiple * multiple)
            : length;
    }
}
