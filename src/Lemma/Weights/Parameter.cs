namespace Lemma.Weights;

/// <summary>One named parameter of a model: where it lies in the blocks of <see cref="Parameters"/>.</summary>
public sealed class Parameter
{
    internal Parameter(string name, Shape shape, bool decays) => (Name, Shape, Decays) = (name, shape, decays);

    /// <summary>The path of the parameter, as in <c>blocks.0.attention.qkv.weight</c>.</summary>
    public string Name { get; }

    /// <summary>Its shape; weights of linear layers are [out, in].</summary>
    public Shape Shape { get; }

    /// <summary>Whether weight decay applies to it.</summary>
    public bool Decays { get; }

    /// <summary>The index of its first element in each block, a multiple of 16 (64 bytes).</summary>
    internal long Offset { get; set; }

    /// <summary>The number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>The bytes of its values.</summary>
    public long Bytes => Pieces.Count == 0 ? Count * sizeof(float) : Pieces.Sum(piece => piece.Bytes);

    /// <summary>What an optimizer multiplies the learning rate with for this parameter; 1 unless a fresh model asks for another.</summary>
    public float RateScale { get; internal set; } = 1;

    /// <summary>Whether training changes it.</summary>
    public bool Learns { get; internal set; } = true;

    /// <summary>The least and the largest value that a step leaves an element with; null for no bounds.</summary>
    public (float Least, float Most)? Bounds { get; internal set; }

    /// <summary>Whether every product with it asks for an adapter.</summary>
    internal bool TakesAdapter { get; set; }

    /// <summary>Whether all that looks up its rows asks for an adapter.</summary>
    internal bool TakesLookupAdapter { get; set; }

    /// <summary>Whether it is read by products with a weight alone, and by rows, so that it may lie in panels.</summary>
    internal bool TakesPanels { get; set; }

    /// <summary>Whether its rows are looked up, and nothing else but products reads it.</summary>
    internal bool IsLookedUp { get; set; }

    /// <summary>Whether its rows are looked up and it is multiplied with as well: the gradients of both are sums of their own, added last.</summary>
    internal bool IsTied { get; set; }

    /// <summary>How many of its first rows lie in panels: none while it can learn.</summary>
    internal int RowsInPanels { get; set; }

    /// <summary>Where its rows lie, in order, when they have memory of their own: quantized weights; empty when it lies in the blocks.</summary>
    internal IReadOnlyList<WeightPiece> Pieces { get; set; } = [];

    /// <summary>The rows of each matrix that lies stacked in it, as queries, keys and values do; empty where it is one.</summary>
    internal IReadOnlyList<int> Stack { get; set; } = [];

    /// <summary>What it holds before training.</summary>
    internal FirstValue First { get; set; } = FirstValue.Zero;
}
