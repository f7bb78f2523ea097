using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Tensors;

/// <summary>What an adapter adds to the products of some experts.</summary>
/// <param name="Adapter">The adapter, whose A and B learn unless they are frozen.</param>
/// <param name="GateUp">Changes of the rows of all experts' matrices, one expert after another.</param>
/// <param name="Down">The same of the matrices that lead back.</param>
/// <param name="Random">What dropout draws from; null to drop nothing.</param>
internal readonly record struct ExpertChanges(Adapter Adapter, IReadOnlyList<AdapterPart> GateUp, IReadOnlyList<AdapterPart> Down, Philox? Random)
{
    /// <summary>The changes of a layer, or null where it has none.</summary>
    public static ExpertChanges? Of(Adapter adapter, Parameter gateUp, Parameter down, Philox? random)
    {
        IReadOnlyList<AdapterPart> first = adapter.PartsOf(gateUp), second = adapter.PartsOf(down);
        return first.Count + second.Count == 0 ? null : new ExpertChanges(adapter, first, second, random);
    }
}

public static unsafe partial class Ops
{
    // One change of one expert: its rows among those that were gathered, and its columns of what they give.
    private readonly record struct ExpertChange(ExpertChanges All, AdapterPart Part, int FirstRow, int Rows, int FirstColumn, int Inputs, int Outputs)
    {
        public static ExpertChange Of(in ExpertJob job, AdapterPart part, int inputs, int outputs)
        {
            (int expert, int column) = Math.DivRem(part.FirstRow, outputs);
            int first = job.Starts.Span[expert];
            return new ExpertChange(job.Changes!.Value, part, first, job.Starts.Span[expert + 1] - first, column, inputs, outputs);
        }

        public Parameters Owner => All.Adapter.Parameters;

        public Matrix A => Matrix.Rows(Owner.WeightsOf(Owner.IndexOf(Part.A)), Inputs);

        public Matrix B => Matrix.Rows(Owner.WeightsOf(Owner.IndexOf(Part.B)), Part.Rank);

        public Matrix Given(float* y) => Matrix.Rows(y + (nint)FirstRow * Outputs + FirstColumn, Outputs);
    }

    // y += s·(x·Aᵀ)·Bᵀ of the rows of every changed expert.
    private static void AddChanges(Tape tape, in ExpertJob job, IReadOnlyList<AdapterPart>? parts, Tensor x, Tensor y)
    {
        for (int i = 0; i < parts?.Count; i++)
        {
            ExpertChange change = ExpertChange.Of(job, parts[i], x.Shape.Columns, y.Shape.Columns);
            if (change.Rows == 0)
                continue;
            Arena.Mark mark = tape.Scratch.Here;
            float* low = Low(tape, change, Read(tape, change, x));
            Product(tape.Workers, change.Rows, change.Part.Rows, change.Part.Rank, Matrix.Rows(low, change.Part.Rank), change.B.Transposed,
                change.Given(tape.Pointer(y)).At(0, 0), change.Outputs, add: true);
            tape.Scratch.Rewind(mark);
        }
    }

    // dl = s·dy·B; dB += dyᵀ·(s·x·Aᵀ), dA += dlᵀ·x, dx += dl·A. An expert that no row chose sends nothing.
    private static void ChangesBackward(Tape tape, in ExpertJob job, IReadOnlyList<AdapterPart>? parts, Tensor x, float* dy, int outputs, float* dx)
    {
        for (int i = 0; i < parts?.Count; i++)
        {
            ExpertChange change = ExpertChange.Of(job, parts[i], x.Shape.Columns, outputs);
            (int count, int rank, int inputs, AdapterPart part) = (change.Rows, change.Part.Rank, change.Inputs, change.Part);
            if (count == 0)
                continue;
            Arena.Mark mark = tape.Scratch.Here;
            float* read = Read(tape, change, x), low = Low(tape, change, read), dlow = tape.Scratch.Take((long)count * rank);
            Matrix up = change.Given(dy);
            Product(tape.Workers, count, rank, part.Rows, up, change.B, dlow, rank, add: false);
            Scale(dlow, count * rank, part.Scale);
            if (!change.Owner.IsFrozen)
            {
                float* gradient = change.Owner.TouchGradient(change.Owner.IndexOf(part.B), out bool add);
                WeightGradient(tape.Workers, count, up, part.Rows, Matrix.Rows(low, rank), rank, gradient, add);
                gradient = change.Owner.TouchGradient(change.Owner.IndexOf(part.A), out add);
                WeightGradient(tape.Workers, count, Matrix.Rows(dlow, rank), rank, Matrix.Rows(read, inputs), inputs, gradient, add);
            }
            AddSlopes(tape, change, dlow, dx + (nint)change.FirstRow * inputs);
            tape.Scratch.Rewind(mark);
        }
    }

    // dx += m∘(dl·A)/(1 − p), m the mask of what was read.
    private static void AddSlopes(Tape tape, in ExpertChange change, float* dlow, float* dx)
    {
        (int count, int rank, int inputs) = (change.Rows, change.Part.Rank, change.Inputs);
        if (!Drops(tape, change, out Philox draws))
        {
            Product(tape.Workers, count, inputs, rank, Matrix.Rows(dlow, rank), change.A, dx, inputs, add: true);
            return;
        }
        float* own = tape.Scratch.Take((long)count * inputs);
        Product(tape.Workers, count, inputs, rank, Matrix.Rows(dlow, rank), change.A, own, inputs, add: false);
        tape.Workers.Rows(count * inputs, ElementsAPart, (From: (nint)own, To: (nint)dx, change.All.Adapter.Dropout, draws), static (in s, first, count) =>
        {
            Span<float> some = new((float*)s.From + first, count), sum = new((float*)s.To + first, count);
            Formulas.Dropout.Backward(some, s.Dropout, s.draws, first);
            TensorPrimitives.Add(sum, some, sum);
        });
    }

    // What A reads: the rows of the expert, thinned where the pass drops.
    private static float* Read(Tape tape, in ExpertChange change, Tensor x)
    {
        float* rows = tape.Pointer(x) + (nint)change.FirstRow * change.Inputs;
        if (!Drops(tape, change, out Philox draws))
            return rows;
        int count = checked(change.Rows * change.Inputs);
        float* thinned = tape.Scratch.Take(count);
        tape.Workers.Rows(count, ElementsAPart, (From: (nint)rows, To: (nint)thinned, change.All.Adapter.Dropout, draws), static (in s, first, count) =>
            Formulas.Dropout.Forward(new ReadOnlySpan<float>((float*)s.From + first, count), s.Dropout, s.draws, first,
                new Span<float>((float*)s.To + first, count)));
        return thinned;
    }

    private static float* Low(Tape tape, in ExpertChange change, float* read)
    {
        int count = change.Rows, rank = change.Part.Rank;
        float* low = tape.Scratch.Take((long)count * rank);
        Product(tape.Workers, count, rank, change.Inputs, Matrix.Rows(read, change.Inputs), change.A.Transposed, low, rank, add: false);
        Scale(low, count * rank, change.Part.Scale);
        return low;
    }

    private static bool Drops(Tape tape, in ExpertChange change, out Philox draws)
    {
        draws = default;
        if (!tape.Recording || change.All.Adapter.Dropout == 0 || change.All.Random is not { } pass)
            return false;
        draws = Adapter.DrawsOf(change.Part, pass);
        return true;
    }

    private static void Scale(float* x, int count, float scale) => TensorPrimitives.Multiply(new ReadOnlySpan<float>(x, count), scale, new Span<float>(x, count));
}
