namespace Lemma.Language.Views;

/// <summary>Where the heads of a layer look in a text.</summary>
public sealed class AttentionView
{
    private readonly float[] weights;

    internal AttentionView(int layer, IReadOnlyList<int> ids, IReadOnlyList<string> tokens, float[] weights) =>
        (Layer, Ids, Tokens, this.weights) = (layer, ids, tokens, weights);

    /// <summary>The layer, from 0 on.</summary>
    public int Layer { get; }

    /// <summary>How many heads.</summary>
    public int Heads => weights.Length / (Ids.Count * Ids.Count);

    /// <summary>The ids of the text.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>Their texts.</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>The map of a head, [T, T]: a row a token that looks, a column a token that is looked at.</summary>
    /// <remarks>A row sums to 1; where the head has a sink, which takes weight and gives nothing, to less.</remarks>
    /// <exception cref="ArgumentException">There is no such head.</exception>
    public ReadOnlySpan<float> this[int head]
    {
        get
        {
            Require.That((uint)head < (uint)Heads, $"attention: head {head} is not among the {Heads} of layer {Layer}, from 0 to {Heads - 1}");
            int size = Ids.Count * Ids.Count;
            return weights.AsSpan(head * size, size);
        }
    }
}
