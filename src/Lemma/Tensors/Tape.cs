using System.Runtime.InteropServices;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Tensors;

/// <summary>Runs operations, remembers how to differentiate them, and owns the memory of their results.</summary>
/// <remarks>
/// One step: operations forward, <see cref="Backward(LossPart)"/>, then <see cref="Rewind()"/>. Tensors live until the rewind, gradients of
/// activations until the operation that made the activation has run backward. Not thread-safe; work inside an operation is split by <see cref="Workers"/>.
/// </remarks>
public sealed unsafe class Tape : IDisposable
{
    private readonly Arena arena;
    private readonly GradientPool pool;
    private readonly OperationLog log = new();
    private readonly IntegerPool integers = new();
    private readonly List<ExpertOutput> experts = [];
    private Node[] nodes = new Node[256];
    private int count, spent;
    private long stamp = Interlocked.Increment(ref tapes) << 40;
    private static long tapes;

    /// <summary>A tape for a model's parameters, or for none.</summary>
    /// <param name="workers">Who does the work; shared by tapes that do not run at the same time.</param>
    /// <param name="parameters">The parameters that <see cref="Parameter"/> reads.</param>
    public Tape(Workers workers, Parameters? parameters = null)
    {
        ArgumentNullException.ThrowIfNull(workers);
        (Workers, Parameters) = (workers, parameters);
        (arena, pool) = (new Arena(workers.Counter?.Memory), new GradientPool(workers.Counter?.Memory));
    }

    /// <summary>Who does the work.</summary>
    public Workers Workers { get; }

    /// <summary>The parameters, if there are any.</summary>
    public Parameters? Parameters { get; }

    /// <summary>Whether operations are remembered for a backward pass; switch it off to evaluate or generate.</summary>
    public bool Recording { get; set; } = true;

    /// <summary>Told the inputs of every product with a weight; null where nobody asks.</summary>
    internal ProductInputs? Inputs { get; set; }

    /// <summary>Whether new tensors and gradients are filled with NaN, so that a test sees what an operation did not write.</summary>
    internal bool Poison { get; set; }

    /// <summary>A place to rewind to.</summary>
    public readonly record struct Mark
    {
        internal Mark(Arena.Mark memory, int nodes, int operations, int integers) =>
            (Memory, Nodes, Operations, Integers) = (memory, nodes, operations, integers);

        internal Arena.Mark Memory { get; }

        internal int Nodes { get; }

        internal int Operations { get; }

        internal int Integers { get; }
    }

    /// <summary>The present place.</summary>
    public Mark Here => new(arena.Here, count, log.Count, integers.Count);

    /// <summary>The elements of a tensor.</summary>
    public Span<float> this[Tensor tensor]
    {
        get
        {
            ref Node node = ref Find(tensor);
            return new Span<float>(node.Owner is { } owner ? owner.WeightsOf(node.Parameter) : node.Data, SpanOf(node.Count));
        }
    }

    /// <summary>A new tensor for the result of an operation; what it holds is undefined until the operation writes it.</summary>
    public Tensor New(Shape shape)
    {
        Require.That(shape.Count <= int.MaxValue, $"tape: a tensor holds at most {int.MaxValue} elements, but {shape} has {shape.Count}");
        float* data = arena.Take(shape.Count);
        Workers.Counter?.Elements(shape.Count);
        if (Poison)
            new Span<float>(data, checked((int)shape.Count)).Fill(float.NaN);
        return Push(shape, data);
    }

    /// <summary>A tensor with given elements that no operation made; its gradient stays until the rewind.</summary>
    public Tensor Input(Shape shape, ReadOnlySpan<float> values)
    {
        Require.That(values.Length == shape.Count, $"tape: {values.Length} values do not fill the shape {shape}");
        Tensor tensor = New(shape);
        nodes[tensor.Node].KeepsGradient = true;
        values.CopyTo(this[tensor]);
        return tensor;
    }

    /// <summary>A parameter as a tensor; its gradient is the block of gradients.</summary>
    public Tensor Parameter(Parameter parameter) =>
        ParameterOf(Parameters ?? throw new InvalidOperationException("tape: it was made without parameters"), parameter);

    /// <summary>Which rows take which adapters, in a pass that does not record; null for the one that is applied to the model, if any.</summary>
    internal AdapterRows? AdapterRows { get; set; }

    /// <summary>Some rows of a tensor in their place, of a tape that does not record: what is added to them is added to the tensor.</summary>
    internal Tensor View(Tensor x, int first, int count)
    {
        Require.That(!Recording, $"view: rows in their place have no gradient, so the tape must not record");
        Require.That(first >= 0 && count > 0 && first <= x.Shape.Rows - count, $"view: {count} rows from {first} on do not lie within {x.Shape}");
        Require.That(!IsParameter(x), $"view: a parameter is read as a whole");
        return Push(new Shape(count, x.Shape.Columns), Pointer(x) + (nint)first * x.Shape.Columns);
    }

    /// <summary>The same of parameters beside those of the tape: an adapter's.</summary>
    internal Tensor ParameterOf(Parameters owner, Parameter parameter)
    {
        int index = owner.IndexOf(parameter);
        return Push(parameter.Shape, owner.StoredWeightsOf(index), owner, index);
    }

    /// <summary>Remembers how to send the outputs' gradients to the inputs. Give a static lambda: the state holds what it needs.</summary>
    public void Record<TState>(in TState state, Backward<TState> backward)
    {
        if (Recording)
            log.Add(state, backward, count);
    }

    /// <summary>Remembers that an operation cannot be differentiated: a gradient that would pass throws, so that none is lost in silence.</summary>
    public void RecordStop(string operation, Tensor output)
    {
        Record((operation, output), static (tape, in s) =>
        {
            if (tape.HasGradient(s.output))
                throw new InvalidOperationException($"{s.operation}: it has no gradient, but one arrived");
        });
    }

    /// <summary>Whether a gradient has arrived at a tensor.</summary>
    public bool HasGradient(Tensor tensor)
    {
        ref Node node = ref Find(tensor);
        return node.Learns ? node.Owner!.HasGradient(node.Parameter) : node.Gradient is not null;
    }

    /// <summary>The gradient of a tensor, zero where none has arrived; add to it.</summary>
    /// <exception cref="InvalidOperationException">The gradient went back to the pool when the operation that made the tensor ran backward.</exception>
    public Span<float> Gradient(Tensor tensor)
    {
        if (Find(tensor).IsGradientGone)
            throw new InvalidOperationException($"gradient: that of the tensor {tensor.Shape} was given back in the backward pass; "
                + "those of parameters and of tensors made by Input are kept");
        float* gradient = GradientPointer(tensor, out bool add);
        Span<float> span = new(gradient, SpanOf(tensor.Shape.Count));
        if (!add && !Counts)
            span.Clear();
        return span;
    }

    /// <summary>Runs every operation backward from a scalar, whose gradient is <paramref name="seed"/>.</summary>
    public void Backward(Tensor loss, float seed = 1)
    {
        Require.That(loss.Shape.Count == 1, $"backward: the loss must be a scalar, but its shape is {loss.Shape}");
        Require.That(Recording, $"backward: the tape was not recording");
        Gradient(loss)[0] += seed;
        RunBackward();
    }

    /// <summary>Runs every operation backward from the mean of a loss; a part of no weight sends nothing.</summary>
    public void Backward(LossPart loss)
    {
        if (loss.Weight > 0)
            Backward(loss.Sum, (float)(1 / loss.Weight));
    }

    /// <summary>Runs every operation backward from the gradients that stand in <see cref="Gradient"/> already: a product vᵀ·J.</summary>
    /// <exception cref="InvalidOperationException">Some of the operations have run backward before.</exception>
    public void RunBackward()
    {
        if (spent > 0)
            throw new InvalidOperationException("backward: these operations have run backward already; rewind the tape and run forward again");
        spent = log.Count;
        RunBackward(default(Mark));
    }

    /// <summary>The same of the operations since a place, which must be rewound to before others run backward.</summary>
    internal void RunBackward(Mark from)
    {
        for (int i = log.Count - 1; i >= from.Operations; i--)
        {
            log.Run(i, this);
            for (int node = i == from.Operations ? from.Nodes : log.NodesAfter(i - 1); node < log.NodesAfter(i); node++)
            {
                if (nodes[node].KeepsGradient || nodes[node].Learns)
                    continue;
                Release(ref nodes[node]);
                nodes[node].IsGradientGone = true;
            }
        }
    }

    /// <summary>Forgets every operation and tensor.</summary>
    public void Rewind() => Rewind(default);

    /// <summary>Forgets what came after a place.</summary>
    public void Rewind(Mark mark)
    {
        Require.That(mark.Nodes <= count && mark.Operations <= log.Count, $"tape: it was rewound past the mark already");
        for (int i = mark.Nodes; i < count; i++)
        {
            Release(ref nodes[i]);
            nodes[i] = default;
        }
        count = mark.Nodes;
        log.Truncate(mark.Operations);
        spent = Math.Min(spent, mark.Operations);
        integers.Rewind(mark.Integers);
        while (experts.Count > 0 && experts[^1].Rows.Node >= count)
            experts.RemoveAt(experts.Count - 1);
        arena.Rewind(mark.Memory);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Rewind();
        arena.Dispose();
        pool.Dispose();
    }

    /// <summary>The address of a tensor's elements.</summary>
    internal float* Pointer(Tensor tensor)
    {
        ref Node node = ref Find(tensor);
        return node.Owner is { } owner ? owner.WeightsOf(node.Parameter) : node.Data;
    }

    /// <summary>The address of a tensor's gradient and whether it holds something to add to; when not, the operation must write every element.</summary>
    internal float* GradientPointer(Tensor tensor, out bool add)
    {
        ref Node node = ref Find(tensor);
        Workers.Counter?.Elements(node.Count);
        if (node.Learns)
            return node.Owner!.TouchGradient(node.Parameter, out add);
        add = node.Gradient is not null;
        NativeBlock gradient = node.Gradient ??= pool.Take(node.Count);
        if (!add && Poison)
            gradient.Span(0, gradient.Length).Fill(float.NaN);
        return gradient.Pointer;
    }

    /// <summary>The address of what the looking up of a tensor's rows adds to.</summary>
    internal float* LookedUpGradient(Tensor tensor)
    {
        ref Node node = ref Find(tensor);
        if (node.Learns)
            return node.Owner!.TouchLookedUp(node.Parameter);
        Gradient(tensor);
        return OutputGradient(tensor);
    }

    /// <summary>The gradient that has arrived at a tensor; null when none has.</summary>
    internal float* OutputGradient(Tensor tensor)
    {
        ref Node node = ref Find(tensor);
        return node.Learns ? node.Owner!.GradientOrNull(node.Parameter) : node.Gradient is { } gradient ? gradient.Pointer : null;
    }

    /// <summary>Where a weight lies, and how many of its first rows lie in panels.</summary>
    internal float* StoredPointer(Tensor weight, out int rowsInPanels)
    {
        ref Node node = ref Find(weight);
        rowsInPanels = node.Owner?.All[node.Parameter].RowsInPanels ?? 0;
        return node.Owner is { } owner ? owner.StoredWeightsOf(node.Parameter) : node.Data;
    }

    /// <summary>The parameter that a tensor is, where it is quantized; else null.</summary>
    internal Parameter? Quantized(Tensor tensor) => ParameterOf(tensor) is { Pieces.Count: > 0 } parameter ? parameter : null;

    /// <summary>Whether a tensor is a parameter, which no operation may write to.</summary>
    internal bool IsParameter(Tensor tensor) => Find(tensor).Owner is not null;

    /// <summary>The parameter that a tensor is, or null.</summary>
    internal Parameter? ParameterOf(Tensor tensor) => Find(tensor) is { Owner: { } owner, Parameter: var index } ? owner.All[index] : null;

    /// <summary>Whether a tensor is a parameter of frozen ones, or made of such alone: nobody reads its gradient.</summary>
    internal bool IsFrozen(Tensor tensor) => Find(tensor) is { Owner: not null, Learns: false } or { IsFrozen: true };

    /// <summary>Says that an operation's result is made of some tensors alone, so where they are frozen it is.</summary>
    internal void FreezeWith(Tensor result, Tensor one, Tensor? two = null, Tensor? three = null) =>
        Find(result).IsFrozen = IsFrozen(one) && (two is null || IsFrozen(two.Value)) && (three is null || IsFrozen(three.Value));

    /// <summary>What layers of experts gave while it recorded, in the order in which they ran; until the rewind.</summary>
    internal ReadOnlySpan<ExpertOutput> Experts => CollectionsMarshal.AsSpan(experts);

    /// <summary>Keeps what a layer of experts gave, where it records.</summary>
    internal void Keep(in ExpertOutput output)
    {
        if (Recording)
            experts.Add(output);
    }

    /// <summary>Whole numbers for this pass, undefined, kept until the rewind.</summary>
    internal Memory<int> TakeIntegers(int count) => integers.Take(count);

    /// <summary>The elements of all gradients of activations that the tape keeps for lending.</summary>
    internal long PooledElements => pool.Elements;

    /// <summary>Whether workers only count, so that nothing is read or written.</summary>
    internal bool Counts => Workers.Counter is not null;

    /// <summary>Tells a counter which parameter the next products are with.</summary>
    internal void Attribute(Tensor weight)
    {
        if (Workers.Counter is { } counter)
            counter.Parameter = Find(weight) is { Owner: { } owner, Parameter: var index } ? owner.All[index].Name : "";
    }

    /// <summary>Tells a counter that what comes is made again, and gives what it counted before.</summary>
    internal WorkPhase BeginRecomputation()
    {
        WorkPhase before = Workers.Counter?.Phase ?? default;
        EndRecomputation(WorkPhase.Recomputation);
        return before;
    }

    /// <summary>Tells a counter what it counts again.</summary>
    internal void EndRecomputation(WorkPhase phase)
    {
        if (Workers.Counter is { } counter)
            counter.Phase = phase;
    }

    private int SpanOf(long count) => checked((int)(Counts ? Math.Min(count, CountedMemory.Elements) : count));

    /// <summary>All elements of native memory that the tape has taken.</summary>
    internal long TakenElements => arena.Elements + pool.Elements;

    /// <summary>The most elements that activations and their gradients took at once.</summary>
    internal long PeakElements => arena.Peak + pool.Elements;

    /// <summary>The elements among them that were ever used.</summary>
    internal long TouchedElements => arena.Touched + pool.Touched;

    /// <summary>Memory for the inside of an operation; rewind the arena to give it back.</summary>
    internal Arena Scratch => arena;

    // The gradient of what is frozen is lent and given back like that of an activation.
    private Tensor Push(Shape shape, float* data, Parameters? owner = null, int parameter = -1)
    {
        if (count == nodes.Length)
            Array.Resize(ref nodes, 2 * count);
        nodes[count] = new Node { Data = data, Count = shape.Count, Owner = owner, Parameter = parameter, Learns = owner is { IsFrozen: false }, Stamp = ++stamp };
        return new Tensor(shape, count++, stamp);
    }

    private ref Node Find(Tensor tensor)
    {
        if ((uint)tensor.Node >= (uint)count || nodes[tensor.Node].Stamp != tensor.Stamp)
            throw new InvalidOperationException($"tape: a tensor {tensor.Shape} was used after the tape was rewound past it, or belongs to another tape");
        return ref nodes[tensor.Node];
    }

    private void Release(ref Node node)
    {
        if (node.Gradient is not { } gradient)
            return;
        pool.Return(gradient);
        node.Gradient = null;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Node
    {
        public float* Data;
        public NativeBlock? Gradient;
        public long Count, Stamp;
        public Parameters? Owner;
        public int Parameter;
        public bool Learns, IsFrozen, KeepsGradient, IsGradientGone;
    }
}
