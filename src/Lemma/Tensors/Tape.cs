using System.Runtime.InteropServices;

namespace Lemma.Tensors;

/// <summary>Runs operations, remembers how to differentiate them, and owns the memory of their results.</summary>
/// <remarks>
/// One step: operations forward, <see cref="Backward"/>, then <see cref="Rewind()"/>. Tensors live until the rewind, gradients of
/// activations until the operation that made the activation has run backward. Not thread-safe; work inside an operation is split by <see cref="Workers"/>.
/// </remarks>
public sealed unsafe class Tape : IDisposable
{
    private readonly Arena arena = new();
    private readonly GradientPool pool = new();
    private readonly OperationLog log = new();
    private Node[] nodes = new Node[256];
    private int count;
    private long stamp;

    /// <summary>A tape for a model's parameters, or for none.</summary>
    /// <param name="workers">Who does the work; shared by tapes that do not run at the same time.</param>
    /// <param name="parameters">The parameters that <see cref="Parameter"/> reads.</param>
    public Tape(Workers workers, Parameters? parameters = null) => (Workers, Parameters) = (workers, parameters);

    /// <summary>Who does the work.</summary>
    public Workers Workers { get; }

    /// <summary>The parameters, if there are any.</summary>
    public Parameters? Parameters { get; }

    /// <summary>Whether operations are remembered for a backward pass; switch it off to evaluate or generate.</summary>
    public bool Recording { get; set; } = true;

    /// <summary>Whether new tensors and gradients are filled with NaN, so that a test sees what an operation did not write.</summary>
    internal bool Poison { get; set; }

    /// <summary>A place to rewind to.</summary>
    public readonly record struct Mark(Arena.Mark Memory, int Nodes, int Operations);

    /// <summary>The present place.</summary>
    public Mark Here => new(arena.Here, count, log.Count);

    /// <summary>The elements of a tensor.</summary>
    public Span<float> this[Tensor tensor]
    {
        get
        {
            ref Node node = ref Find(tensor);
            return new Span<float>(node.Data, checked((int)node.Count));
        }
    }

    /// <summary>A new tensor for the result of an operation; what it holds is undefined until the operation writes it.</summary>
    public Tensor New(Shape shape)
    {
        float* data = arena.Take(shape.Count);
        if (Poison)
            new Span<float>(data, checked((int)shape.Count)).Fill(float.NaN);
        return Push(shape, data, -1);
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
    public Tensor Parameter(Parameter parameter)
    {
        Parameters parameters = Parameters ?? throw new InvalidOperationException("tape: it was made without parameters");
        return Push(parameter.Shape, parameters.WeightsPointer + parameter.Offset, parameters.IndexOf(parameter));
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
        return node.Parameter >= 0 ? Parameters!.HasGradient(node.Parameter) : node.Gradient != null;
    }

    /// <summary>The gradient of a tensor, zero where none has arrived; add to it.</summary>
    public Span<float> Gradient(Tensor tensor)
    {
        float* gradient = GradientPointer(tensor, out bool add);
        Span<float> span = new(gradient, checked((int)tensor.Shape.Count));
        if (!add)
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

    /// <summary>Runs every operation backward from the gradients that stand in <see cref="Gradient"/> already: a product vᵀ·J.</summary>
    public void RunBackward()
    {
        for (int i = log.Count - 1; i >= 0; i--)
        {
            log.Run(i, this);
            for (int node = i == 0 ? 0 : log.NodesAfter(i - 1); node < log.NodesAfter(i); node++)
            {
                if (!nodes[node].KeepsGradient)
                    Release(ref nodes[node]);
            }
        }
    }

    /// <summary>Forgets every operation and tensor.</summary>
    public void Rewind() => Rewind(default);

    /// <summary>Forgets what came after a place.</summary>
    public void Rewind(Mark mark)
    {
        for (int i = mark.Nodes; i < count; i++)
        {
            Release(ref nodes[i]);
            nodes[i] = default;
        }
        count = mark.Nodes;
        log.Truncate(mark.Operations);
        arena.Rewind(mark.Memory);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        arena.Dispose();
        pool.Dispose();
    }

    /// <summary>The address of a tensor's elements.</summary>
    internal float* Pointer(Tensor tensor) => Find(tensor).Data;

    /// <summary>The address of a tensor's gradient and whether it holds something to add to; when not, the operation must write every element.</summary>
    internal float* GradientPointer(Tensor tensor, out bool add)
    {
        ref Node node = ref Find(tensor);
        if (node.Parameter >= 0)
            return Parameters!.TouchGradient(node.Parameter, out add);
        add = node.Gradient != null;
        if (!add)
        {
            node.Gradient = pool.Take(node.Count);
            if (Poison)
                new Span<float>(node.Gradient, checked((int)node.Count)).Fill(float.NaN);
        }
        return node.Gradient;
    }

    /// <summary>The gradient of an operation's own output; null when none arrived, so that nothing needs to be done.</summary>
    internal float* OutputGradient(Tensor tensor) => Find(tensor).Gradient;

    /// <summary>Memory for the inside of an operation; rewind the arena to give it back.</summary>
    internal Arena Scratch => arena;

    private Tensor Push(Shape shape, float* data, int parameter)
    {
        if (count == nodes.Length)
            Array.Resize(ref nodes, 2 * count);
        nodes[count] = new Node { Data = data, Count = shape.Count, Parameter = parameter, Stamp = ++stamp };
        return new Tensor(shape, count++, stamp);
    }

    private ref Node Find(Tensor tensor)
    {
        if ((uint)tensor.Node >= (uint)count || nodes[tensor.Node].Stamp != tensor.Stamp)
            throw new InvalidOperationException($"tape: a tensor {tensor.Shape} was used after the tape was rewound past it");
        return ref nodes[tensor.Node];
    }

    private void Release(ref Node node)
    {
        if (node.Parameter >= 0 || node.Gradient == null)
            return;
        pool.Return(node.Gradient, node.Count);
        node.Gradient = null;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Node
    {
        public float* Data, Gradient;
        public long Count, Stamp;
        public int Parameter;
        public bool KeepsGradient;
    }
}
