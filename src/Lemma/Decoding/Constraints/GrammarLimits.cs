namespace Lemma.Decoding.Constraints;

/// <summary>What a grammar may take. Beyond a limit it is a <see cref="GrammarException"/>: no input takes longer or more memory than this.</summary>
public sealed record GrammarLimits
{
    /// <summary>The limits that stand where none are given.</summary>
    public static GrammarLimits Default { get; } = new();

    /// <summary>The longest source of a grammar, in UTF-16 code units.</summary>
    public int MaximumSource { get; init; } = 1 << 20;

    /// <summary>The most groups, arrays or schemas in each other in a source.</summary>
    public int MaximumNesting { get; init; } = 100;

    /// <summary>The most rules.</summary>
    public int MaximumRules { get; init; } = 50_000;

    /// <summary>The most places of the automaton, and nodes of the grammar.</summary>
    public int MaximumPositions { get; init; } = 500_000;

    /// <summary>The largest bound of a repetition.</summary>
    public int MaximumRepeat { get; init; } = 1_000_000;

    /// <summary>The most alternatives that combinations of anyOf, oneOf and allOf make of one schema.</summary>
    public int MaximumAlternatives { get; init; } = 500;

    /// <summary>The most rules and repetitions that are open at once in a text; what would nest deeper is not taken.</summary>
    public int MaximumDepth { get; init; } = 400;

    /// <summary>The most places and stacks that one byte may lead to.</summary>
    public int MaximumWork { get; init; } = 100_000;

    /// <summary>Bytes, roughly, that the states and masks of one automaton take before it forgets them and begins to collect anew.</summary>
    public long CacheBytes { get; init; } = 64L << 20;
}
