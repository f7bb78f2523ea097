using Lemma.Formulas;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>What the parts of a stack share during one pass over rows.</summary>
internal readonly record struct Pass(Rows Rows, ReadOnlyMemory<int> Positions)
{
    /// <summary>The number of the block that runs; its state is that of this number.</summary>
    public int Layer { get; init; }

    /// <summary>Blocks of the stack: states of cross attention come after theirs.</summary>
    public int Layers { get; init; }

    /// <summary>The length of each row's sequence at the end of the pass, where angles depend on it.</summary>
    public ReadOnlyMemory<int> Lengths { get; init; }

    /// <summary>The bias of scores that all blocks share, for the distances from 1 − <see cref="Longest"/> to <see cref="Longest"/> − 1.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>A row for each block, side by side, [rows, blocks·p]; none where tokens have none.</summary>
    public Tensor? BlockRows { get; init; }

    /// <summary>The most tokens of a sequence at the end of the pass: distances of keys and queries are smaller.</summary>
    public int Longest { get; init; }

    /// <summary>An encoder's rows and the rows of each sequence there; none where states hold what cross attention needs.</summary>
    public (Tensor Rows, ReadOnlyMemory<int> Lengths)? Encoded { get; init; }

    /// <summary>The generator of what the pass draws, dropout's masks; null to drop nothing.</summary>
    public Philox? Random { get; init; }

    /// <summary>The probability to drop.</summary>
    public float Dropout { get; init; }

    /// <summary>Who sees what the pass computes; null where nobody looks.</summary>
    public IPassObserver? Observer { get; init; }

    /// <summary>Drops activations of one place of the model.</summary>
    public Tensor Drop(Tape tape, Tensor x, int place) => Random is { } random ? tape.Dropout(x, Dropout, random.Split((ulong)place)) : x;
}
