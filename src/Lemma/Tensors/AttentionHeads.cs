using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>Heads that lie side by side in the rows of a tensor, from a column on.</summary>
public readonly record struct HeadColumns(Tensor Tensor, int First);

/// <summary>The heads of an attention and what a query may see.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; divides the query heads.</param>
/// <param name="HeadWidth">The width of a head's queries and keys.</param>
/// <param name="Causal">Whether a query sees no later position.</param>
/// <param name="Window">How many positions back a query sees, itself included, and as many ahead where it is not causal; 0 for all.</param>
public readonly record struct AttentionHeads(int Heads, int KeyValueHeads, int HeadWidth, bool Causal = true, int Window = 0)
{
    /// <summary>The width of a head's values and outputs.</summary>
    public int ValueWidth { get; init; } = HeadWidth;

    /// <summary>What scores are multiplied with; null for 1/√d_h.</summary>
    public float? Scale { get; init; }

    /// <summary>Which keys each head sees among those that causality and the window leave; null for all of them.</summary>
    public AttentionPattern? Pattern { get; init; }

    /// <summary>Checks the sizes; the error names the rule and the values.</summary>
    public AttentionHeads Validate()
    {
        Require.That(Heads > 0 && KeyValueHeads > 0 && HeadWidth > 0 && ValueWidth > 0,
            $"attention: sizes must be positive, but heads {Heads}, key/value heads {KeyValueHeads}, head width {HeadWidth}");
        Require.That(Heads % KeyValueHeads == 0, $"attention: {KeyValueHeads} key/value heads do not divide {Heads} heads");
        Require.That(Window >= 0, $"attention: the window must not be negative, but it is {Window}");
        Require.That(Scale is null or > 0, $"attention: the scale must be positive, but it is {Scale}");
        Pattern?.Validate(this);
        return this;
    }

    /// <summary>Elements of a row of queries, keys and values together.</summary>
    public int RowWidth => (Heads + 2 * KeyValueHeads) * HeadWidth;

    /// <summary>Query heads that share a key/value head.</summary>
    internal int Group => Heads / KeyValueHeads;

    /// <summary>Columns of the queries.</summary>
    internal long QueryColumns => (long)(Pattern?.Forms ?? 1) * Heads * HeadWidth;

    /// <summary>How many positions back any head sees, itself included; 0 for all.</summary>
    internal int Reach => Pattern?.Reach ?? Window;

    /// <summary>The shape of the work of some heads from a first one on, which share a key/value head; their first query stands at a position.</summary>
    internal AttentionShape Shape(int firstHead, int group, int start, int queries, int keys) => new(queries, keys, HeadWidth, ValueWidth, group, Causal,
        Pattern is MultiScaleWindows windows ? windows.Windows[firstHead] : Window, Scale ?? (float)(1 / Math.Sqrt(HeadWidth)))
    {
        Start = start,
    };
}

/// <summary>What is done to scores before their softmax: s ↦ c·tanh(s/c) + b(key − query), and a sink e^σ in each sum.</summary>
/// <param name="Cap">c; 0 for none.</param>
/// <param name="Bias">[H, distances]: b, the same for all sequences; it must reach every distance of the longest sequence.</param>
/// <param name="BiasZero">The column of distance 0.</param>
/// <param name="Sinks">[H]: σ.</param>
public readonly record struct AttentionTerms(float Cap = 0, Tensor? Bias = null, int BiasZero = 0, Tensor? Sinks = null)
{
    /// <summary>Whether scores stay as they are.</summary>
    internal bool IsPlain => Cap == 0 && Bias is null && Sinks is null;

    internal void Validate(in AttentionHeads heads, int longest)
    {
        Require.That(IsPlain || heads.Pattern is not DualChunk, $"attention: scores in chunks have no cap, bias or sinks");
        Require.That(Cap >= 0, $"attention: the cap must not be negative, but it is {Cap}");
        Require.That(Sinks is null || Sinks.Value.Shape.Count == heads.Heads, $"attention: sinks {Sinks?.Shape} do not fit {heads.Heads} heads");
        Require.That(Bias is null || (Bias.Value.Shape.Rows == heads.Heads && BiasZero >= longest - 1 && Bias.Value.Shape.Columns - BiasZero >= longest),
            $"attention: a bias {Bias?.Shape} with distance 0 in column {BiasZero} does not reach {longest} positions of {heads.Heads} heads");
    }
}
