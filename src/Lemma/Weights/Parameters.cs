using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>
/// The parameters of a model as contiguous blocks: weights, and once training begins gradients and the optimizer's two moments,
/// so that clipping and an optimizer's step are one pass over memory.
/// </summary>
/// <remarks>
/// Declare every parameter first (<see cref="Add"/>), then <see cref="Allocate"/>. Gaps between parameters, if any, hold zeros in every block.
/// A model that only answers may have its matrices in the panels that products read (<see cref="Pack"/>): the same memory and the same bits, and
/// nothing is turned in every pass. Training and merging need rows (<see cref="Unpack"/>).
/// </remarks>
public sealed unsafe class Parameters : IDisposable
{
    private const int Alignment = 16;
    private readonly List<Parameter> all = [];
    private readonly Dictionary<string, int> byName = [];
    private readonly Dictionary<int, NativeBlock> lookedUp = [];
    private bool[] touched = [], touchedLookedUp = [];
    private NativeBlock? weights, gradients, first, second, pieces;
    private CountedMemory? counted;
    private bool isDisposed;

    /// <summary>Every parameter in the order of declaration.</summary>
    public IReadOnlyList<Parameter> All => all;

    /// <summary>The length of each block in elements, padding included.</summary>
    public long BlockLength { get; private set; }

    /// <summary>The number of parameters (elements), padding not counted.</summary>
    public long Count => all.Sum(p => p.Count);

    /// <summary>Whether backward passes drop the gradients of these parameters, which then need no memory for training.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>What is added to products with these parameters, or null.</summary>
    internal Adapter? Adapter { get; set; }

    /// <summary>The elements of gradients, those of the looked-up rows of tied parameters apart from the others.</summary>
    internal long GradientElements => BlockLength + lookedUp.Values.Sum(block => block.Length);

    /// <summary>Whether the blocks for training exist.</summary>
    public bool HasTrainingState => gradients is not null;

    /// <summary>The parameter of a name; throws when there is none.</summary>
    public Parameter this[string name] => byName.TryGetValue(name, out int found) ? all[found]
        : throw new ArgumentException($"parameters: there is no parameter '{name}'");

    /// <summary>Declares a parameter; only before <see cref="Allocate"/>.</summary>
    public Parameter Add(string name, Shape shape, bool decays)
    {
        Require.That(weights is null, $"parameters: '{name}' must be declared before the blocks are allocated");
        Require.That(!byName.ContainsKey(name), $"parameters: '{name}' is declared twice");
        Parameter parameter = new(name, shape, decays);
        byName.Add(name, all.Count);
        all.Add(parameter);
        Arrange(parameter);
        return parameter;
    }

    /// <summary>
    /// Gives parameters memory of their own, quantized; only before <see cref="Allocate"/>. They are multiplied with and looked up, and do not
    /// learn.
    /// </summary>
    internal void Quantize(Parameter parameter, IReadOnlyList<WeightPiece> pieces)
    {
        Require.That(weights is null, $"parameters: '{parameter.Name}' must be quantized before the blocks are allocated");
        Require.That(parameter.TakesPanels || parameter.IsLookedUp,
            $"parameters: '{parameter.Name}' is used otherwise than in products and by rows, so it cannot be quantized");
        int next = 0;
        foreach (WeightPiece piece in pieces)
        {
            Require.That(piece.FirstRow == next && piece.Columns == parameter.Shape.Columns,
                $"parameters: the pieces of '{parameter.Name}' {parameter.Shape} must follow each other, "
                + $"but one of {piece.Columns} columns begins at row {piece.FirstRow}");
            next += piece.Rows;
        }
        Require.That(next == parameter.Shape.Rows, $"parameters: the pieces of '{parameter.Name}' {parameter.Shape} have {next} rows");
        parameter.Pieces = pieces;
        BlockLength = 0;
        foreach (Parameter each in all)
            Arrange(each);
    }

    /// <summary>Whether some parameters are quantized.</summary>
    public bool AreQuantized => all.Any(parameter => parameter.Pieces.Count > 0);

    /// <summary>The bytes that the weights take.</summary>
    public long WeightBytes => all.Sum(parameter => parameter.Bytes);

    /// <summary>What the weights are kept as, with the bytes of each: F32, F16, BF16, Q8_0, …</summary>
    public IReadOnlyList<(string Format, long Bytes)> Formats => [.. all.SelectMany(parameter => parameter.Pieces.Count == 0
        ? [(Name: "F32", Bytes: parameter.Count * sizeof(float))] : parameter.Pieces.Select(piece => (Name: piece.Format, piece.Bytes)))
        .GroupBy(one => one.Name, (name, ones) => (name, ones.Sum(one => one.Bytes))).OrderByDescending(one => one.Item2)];

    /// <summary>Takes memory for the weights, all zero.</summary>
    public void Allocate()
    {
        Require.That(weights is null, $"parameters: the blocks are allocated already");
        ObjectDisposedException.ThrowIf(isDisposed, this);
        weights = NewBlock();
        PlacePieces();
        (touched, touchedLookedUp) = (new bool[all.Count], new bool[all.Count]);
    }

    /// <summary>Makes blocks that have lengths and no memory, for passes that only count.</summary>
    internal void AllocateCounted(CountedMemory memory)
    {
        counted = memory;
        Allocate();
    }

    /// <summary>The elements of the blocks of moments.</summary>
    internal long MomentElements => (first?.Length ?? 0) + (second?.Length ?? 0);

    /// <summary>Takes memory for gradients and up to two moments, all zero; what is there already stays.</summary>
    public void AllocateTrainingState(int moments = 2)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        Require.That(moments is >= 0 and <= 2, $"parameters: there are at most two moments, not {moments}");
        Require.That(!IsPacked, $"parameters: they are packed, and must be unpacked before they are trained");
        Require.That(!AreQuantized, $"parameters: quantized ones do not learn; train an adapter beside them, or read the weights as floats");
        gradients ??= NewBlock();
        first ??= moments > 0 ? NewBlock() : null;
        second ??= moments > 1 ? NewBlock() : null;
    }

    /// <summary>Whether matrices lie in panels, for passes that do not record.</summary>
    public bool IsPacked { get; private set; }

    /// <summary>Turns the matrices into panels, in their place. No pass may run meanwhile.</summary>
    public void Pack(Workers workers) => Turn(workers, toPanels: true);

    /// <summary>Turns them back into rows.</summary>
    public void Unpack(Workers workers) => Turn(workers, toPanels: false);

    /// <summary>The weights of one parameter, in rows.</summary>
    public Span<float> Weights(Parameter parameter)
    {
        RequireRows(parameter);
        return Slice(weights, parameter);
    }

    /// <summary>The gradient of one parameter, zero where none has arrived.</summary>
    public Span<float> Gradients(Parameter parameter)
    {
        Span<float> gradient = Slice(gradients, parameter);
        int index = IndexOf(parameter);
        TouchGradient(index, out bool add);
        if (!add)
            gradient.Clear();
        if (touchedLookedUp[index])
        {
            TensorPrimitives.Add(gradient, lookedUp[index].Span(0, parameter.Count), gradient);
            touchedLookedUp[index] = false;
        }
        return gradient;
    }

    /// <summary>Copies some rows of one parameter, wherever they lie.</summary>
    internal void CopyRows(Parameter parameter, int firstRow, Span<float> destination)
    {
        int k = parameter.Shape.Columns;
        if (parameter.Pieces.Count > 0)
        {
            for (int row = firstRow; destination.Length > 0; row++, destination = destination[k..])
            {
                WeightPiece piece = PieceOf(parameter, row);
                piece.CopyRow(row - piece.FirstRow, destination[..k]);
            }
            return;
        }
        float* stored = StoredWeightsOf(IndexOf(parameter));
        for (int row = firstRow; destination.Length > 0; row++, destination = destination[k..])
        {
            if (row < parameter.RowsInPanels)
                WeightPanels.CopyRow(stored, k, row, destination[..k]);
            else
                new ReadOnlySpan<float>(stored + (nint)row * k, k).CopyTo(destination);
        }
    }

    /// <summary>Forgets all gradients; nothing is cleared in memory before an operation adds to it.</summary>
    public void ForgetGradients()
    {
        Array.Clear(touched);
        Array.Clear(touchedLookedUp);
    }

    /// <summary>The optimizer's first moment of one parameter.</summary>
    public Span<float> FirstMoments(Parameter parameter) => Slice(first, parameter);

    /// <summary>The optimizer's second moment of one parameter.</summary>
    public Span<float> SecondMoments(Parameter parameter) => Slice(second, parameter);

    internal float* WeightsPointer => Block(weights).Pointer;

    internal float* GradientsPointer => Block(gradients).Pointer;

    internal float* FirstPointer => Block(first).Pointer;

    internal float* SecondPointer => Block(second).Pointer;

    internal int IndexOf(Parameter parameter) => byName.TryGetValue(parameter.Name, out int index) && ReferenceEquals(all[index], parameter)
        ? index : throw new ArgumentException($"parameters: '{parameter.Name}' belongs to other parameters");

    internal bool HasGradient(int index) => touched[index];

    /// <summary>The address of a gradient and whether it holds something to add to; when not, the caller must write every element.</summary>
    internal float* TouchGradient(int index, out bool add)
    {
        add = touched[index];
        touched[index] = true;
        return Block(gradients).At(all[index].Offset, all[index].Count);
    }

    /// <summary>The address of what the looking up of rows adds to: of a tied parameter a sum of its own, which <see cref="Gradients"/> adds.</summary>
    /// <remarks>So neither sum depends on how often the other was added to meanwhile: how a step is split into passes.</remarks>
    internal float* TouchLookedUp(int index)
    {
        Parameter parameter = all[index];
        if (!parameter.IsTied)
        {
            float* gradient = TouchGradient(index, out bool add);
            if (!add)
                Clear(Slice(gradients, parameter));
            return gradient;
        }
        if (!lookedUp.TryGetValue(index, out NativeBlock? block))
            lookedUp.Add(index, block = NewBlock(parameter.Count, isCleared: false));
        if (!touchedLookedUp[index])
            Clear(block.Span(0, parameter.Count));
        touchedLookedUp[index] = true;
        return block.Pointer;
    }

    /// <summary>The address of a gradient; null when none has arrived.</summary>
    internal float* GradientOrNull(int index) =>
        touched[index] ? Block(gradients).At(all[index].Offset, all[index].Count) : null;

    /// <summary>The address of a parameter's weights, in rows.</summary>
    internal float* WeightsOf(int index)
    {
        RequireRows(all[index]);
        return StoredWeightsOf(index);
    }

    /// <summary>The address of a parameter's weights as they lie: some of the first rows may be in panels.</summary>
    /// <remarks>None of a quantized one.</remarks>
    internal float* StoredWeightsOf(int index) => all[index].Pieces.Count > 0 ? null : Block(weights).At(all[index].Offset, all[index].Count);

    /// <summary>The piece of a quantized parameter that has a row.</summary>
    internal static WeightPiece PieceOf(Parameter parameter, int row)
    {
        foreach (WeightPiece piece in parameter.Pieces)
        {
            if (row < piece.FirstRow + piece.Rows)
                return piece;
        }
        throw new ArgumentException($"parameters: '{parameter.Name}' has {parameter.Shape.Rows} rows, not one of number {row}");
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        isDisposed = true;
        foreach (NativeBlock? block in (NativeBlock?[])[weights, gradients, first, second, pieces, .. lookedUp.Values])
            block?.Dispose();
    }

    // All pieces lie in one block, so that it has large pages and a pass reads on and on.
    private void PlacePieces()
    {
        WeightPiece[] each = [.. all.SelectMany(parameter => parameter.Pieces)];
        if (each.Length == 0)
            return;
        pieces = new NativeBlock("parameters", each.Sum(piece => Aligned(piece.Elements)), isCleared: true);
        long place = 0;
        foreach (WeightPiece piece in each)
        {
            piece.Place(pieces, place);
            place += Aligned(piece.Elements);
        }
    }

    private static long Aligned(long elements) => (elements + Alignment - 1) / Alignment * Alignment;

    // A quantized parameter takes no place in the blocks.
    private void Arrange(Parameter parameter)
    {
        parameter.Offset = BlockLength;
        if (parameter.Pieces.Count == 0)
            BlockLength += Aligned(parameter.Count);
    }

    private static void RequireRows(Parameter parameter)
    {
        if (parameter.Pieces.Count > 0)
            throw new InvalidOperationException(
                $"parameters: '{parameter.Name}' is quantized, to be multiplied with and looked up; it has no rows of floats to change");
        if (parameter.RowsInPanels > 0)
            throw new InvalidOperationException(
                $"parameters: '{parameter.Name}' lies in panels, to be multiplied with; unpack the parameters before its rows are used");
    }

    private void Turn(Workers workers, bool toPanels)
    {
        ArgumentNullException.ThrowIfNull(workers);
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (IsPacked == toPanels)
            return;
        Require.That(!toPanels || !HasTrainingState, $"parameters: what is in training cannot be packed");
        for (int index = 0; index < all.Count; index++)
        {
            Parameter parameter = all[index];
            int rows = parameter.Shape.Rank == 3 ? parameter.Shape[1] : parameter.Shape[0];
            // Of a stack of matrices none may share a panel with the next.
            if (!parameter.TakesPanels || parameter.Pieces.Count > 0 || (parameter.Shape.Rank == 3 && WeightPanels.RowsIn(rows) != rows))
                continue;
            int lines = parameter.Shape.Rows, k = parameter.Shape.Columns;
            workers.Run(WeightPanels.Count(lines), ((nint)StoredWeightsOf(index), k, toPanels), static (in s, panel) =>
            {
                (nint weight, int columns, bool isForward) = s;
                if (isForward)
                    WeightPanels.Arrange((float*)weight, columns, panel);
                else
                    WeightPanels.Restore((float*)weight, columns, panel);
            });
            parameter.RowsInPanels = toPanels ? WeightPanels.RowsIn(lines) : 0;
        }
        IsPacked = toPanels;
    }

    private static Span<float> Slice(NativeBlock? block, Parameter parameter) => Block(block).Span(parameter.Offset, parameter.Count);

    private static NativeBlock Block(NativeBlock? block) =>
        block ?? throw new InvalidOperationException("parameters: a block was used before it was allocated");

    private void Clear(Span<float> elements)
    {
        if (counted is null)
            elements.Clear();
    }

    private NativeBlock NewBlock() => NewBlock(BlockLength, isCleared: true);

    private NativeBlock NewBlock(long length, bool isCleared) => counted is null ? new("parameters", length, isCleared) : new("parameters", length, counted);
}
