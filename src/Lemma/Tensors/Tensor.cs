namespace Lemma.Tensors;

/// <summary>A handle to a tensor on a <see cref="Tape"/>: its shape and its place there. It owns nothing.</summary>
/// <remarks>A handle that is used after the tape was rewound past it is caught by its stamp.</remarks>
public readonly record struct Tensor
{
    internal Tensor(Shape shape, int node, long stamp) => (Shape, Node, Stamp) = (shape, node, stamp);

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; }

    internal int Node { get; }

    internal long Stamp { get; }
}
