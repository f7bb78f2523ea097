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

    /// <summary>How many tokens the parts that are cut off would share; kept for the file, the parts are not given.</summary>
    public int Stride { get; init; }

    /// <summary>Whether tokens at the start are cut, and not at the end.</summary>
    public bool CutsLeft { get; init; }
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
        return MultipleOf is > 0 and int multiple ? (int)Math.Min(int.MaxValue, ((long)length + multiple - 1) / multiple * multiple) : length;
    }
}
