namespace Lemma.Formulas;

/// <summary>The sizes of one attention: how many queries, keys and heads, and which keys a query may see.</summary>
/// <param name="Queries">Queries a head.</param>
/// <param name="Keys">Keys and values a head.</param>
/// <param name="HeadWidth">The width d_h of a head's queries and keys.</param>
/// <param name="ValueWidth">The width of a head's values and outputs.</param>
/// <param name="Group">Query heads that share one key/value head.</param>
/// <param name="Causal">Whether a query sees no later position.</param>
/// <param name="Window">How many positions back a query sees, itself included, and as many ahead where it is not causal; 0 for all.</param>
/// <param name="Scale">What scores are multiplied with, above 0; 1/√d_h as a rule.</param>
/// <param name="Prefix">How many keys from the first on every query sees, as far as its window reaches, though it is causal.</param>
public readonly record struct AttentionShape(int Queries, int Keys, int HeadWidth, int ValueWidth, int Group, bool Causal, int Window,
    float Scale, int Prefix = 0)
{
    /// <summary>The position of the first query among the keys; the queries stand last unless it is given.</summary>
    public int Start { get; init; } = Keys - Queries;

    /// <summary>The first key that any query sees; the blocks of keys are those of the whole.</summary>
    public int From { get; init; }

    /// <summary>The first key that a query sees.</summary>
    public int First(int query) => Window == 0 ? From : Math.Max(From, Start + query - Window + 1);

    /// <summary>One past the last key that a query sees.</summary>
    public int End(int query, int length) => Math.Min(length, Causal ? Math.Max(Start + query + 1, Math.Min(Prefix, Keys))
        : Window == 0 ? Keys : (int)Math.Min(Keys, (long)Start + query + Window));
}

/// <summary>Where queries, keys, values and outputs of one key/value head lie; heads of a group follow each other.</summary>
/// <param name="Query">The first query of the group's first head.</param>
/// <param name="QueryStride">Elements from a query to the next.</param>
/// <param name="Key">The first key.</param>
/// <param name="Value">The first value.</param>
/// <param name="KeyStride">Elements from a key to the next.</param>
/// <param name="ValueStride">Elements from a value to the next.</param>
/// <param name="Output">The first output of the group's first head.</param>
/// <param name="OutputStride">Elements from an output to the next.</param>
/// <param name="LogSumExp">[group, queries]: ln Σ e^score, kept for the backward.</param>
/// <param name="Length">Keys that exist; those beyond are padding.</param>
public readonly unsafe record struct AttentionHead(nint Query, nint QueryStride, nint Key, nint Value, nint KeyStride, nint ValueStride,
    nint Output, nint OutputStride, nint LogSumExp, int Length);
