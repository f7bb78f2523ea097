using Lemma.Compute;
using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    private const int RoutedRowsAPart = 64;

    /// <summary>y = Σ_{i ∈ K} g_i·F_i(x), F(x) = W_down·(φ(W_gate·x) ∘ W_up·x) or W_down·φ(W_up·x). See <see cref="ExpertLayer"/>.</summary>
    /// <remarks>A row has the same bits alone and among others. Only chosen experts are computed.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[rows, d].</param>
    /// <param name="routerLogits">[rows, E]; NaN is an error.</param>
    /// <param name="choiceBias">[E], added to scores for the choice alone, without a gradient; or none.</param>
    /// <param name="gateUp">[E, 2·d_ff, d], gate rows first, or [E, d_ff, d] of plain experts.</param>
    /// <param name="down">[E, d, d_ff].</param>
    /// <param name="routing">How experts are chosen.</param>
    /// <param name="activation">φ.</param>
    public static ExpertOutput Experts(this Tape tape, Tensor x, Tensor routerLogits, Tensor? choiceBias, Tensor gateUp, Tensor down,
        ExpertRouting routing, Activation activation) => tape.Experts(x, routerLogits, choiceBias, gateUp, down, routing, activation, null, default);

    /// <summary>The same with what an adapter adds to the products of some experts, with biases and another gate.</summary>
    internal static ExpertOutput Experts(this Tape tape, Tensor x, Tensor routerLogits, Tensor? choiceBias, Tensor gateUp, Tensor down,
        ExpertRouting routing, Activation activation, ExpertChanges? changes, ExpertTerms terms)
    {
        ArgumentNullException.ThrowIfNull(routing);
        int rows = x.Shape.Rows, d = x.Shape.Columns, experts = routing.Validate().Experts, places = checked(rows * routing.Chosen);
        Require.That(routerLogits.Shape.Rows == rows && routerLogits.Shape.Columns == experts,
            $"experts: the router's logits {routerLogits.Shape} must be [{rows}, {experts}]");
        Require.That(choiceBias is null || choiceBias.Value.Shape.Count == experts, $"experts: the bias of the choice {choiceBias?.Shape} must be [{experts}]");
        Require.That(gateUp.Shape.Rank == 3 && down.Shape.Rank == 3 && down.Shape[0] == experts && down.Shape[1] == d && gateUp.Shape[0] == experts
            && gateUp.Shape[2] == d && (gateUp.Shape[1] == down.Shape[2] || gateUp.Shape[1] == 2L * down.Shape[2]),
            $"experts: weights {gateUp.Shape} and {down.Shape} must be [{experts}, d_ff or 2·d_ff, {d}] and [{experts}, {d}, d_ff]");
        int inner = gateUp.Shape[1], hidden = down.Shape[2];
        Require.That((terms.GateUpBias is null || terms.GateUpBias.Value.Shape.Count == (long)experts * inner)
            && (terms.DownBias is null || terms.DownBias.Value.Shape.Count == (long)experts * d),
            $"experts: biases {terms.GateUpBias?.Shape} and {terms.DownBias?.Shape} must be {experts} of {inner} and of {d}");
        Require.That(terms.Limit == 0 || (terms.Limit > 0 && inner == 2L * hidden),
            $"experts: a clamped gate needs gated experts and a limit above 0, but it is {terms.Limit}");
        ExpertJob job = new(x, routerLogits, gateUp, down, activation, routing.Options, tape.New(new Shape(rows, d)), tape.New(new Shape(rows, experts)),
            tape.New(new Shape(rows, experts)), tape.New(new Shape(places, d)), tape.New(new Shape(places, inner)), tape.New(new Shape(places, hidden)),
            tape.New(new Shape(places, d)), tape.TakeIntegers(places), tape.TakeIntegers(experts + 1), tape.TakeIntegers(places), tape.TakeIntegers(places),
            changes, terms);
        tape.Workers.Rows(rows, RoutedRowsAPart, (tape, job, choiceBias), static (in s, first, count) =>
            Routing.Forward(s.job.Options, RowsOf(s.tape, s.job.Logits, first, count), s.choiceBias is { } bias ? s.tape[bias] : default,
                RowsOf(s.tape, s.job.Gates, first, count), RowsOf(s.tape, s.job.Scores, first, count), s.job.PicksOf(s.job.Picked, first, count)));
        if (tape.Counts)
            SpreadEvenly(job.Picked.Span, experts);
        ExpertRows.Arrange(job.Picked.Span, job.Starts.Span, job.Order.Span, job.Places.Span);
        tape.Workers.Rows(places, Workers.RowsFor(d), (tape, job), static (in s, first, count) => ExpertRows.Gather(s.tape[s.job.X],
            s.job.X.Shape.Columns, s.job.Options.TopK, s.job.Order.Span.Slice(first, count), RowsOf(s.tape, s.job.Gathered, first, count)));
        EachExpert(tape, job, tape.Pointer(job.Gathered), job.GateUp, tape.Pointer(job.Inner), isTransposed: true, terms.GateUpBias);
        AddChanges(tape, job, changes?.GateUp, job.Gathered, job.Inner);
        Activate(tape, job);
        EachExpert(tape, job, tape.Pointer(job.Hidden), job.Down, tape.Pointer(job.Given), isTransposed: true, terms.DownBias);
        AddChanges(tape, job, changes?.Down, job.Hidden, job.Given);
        tape.Workers.Rows(rows, Workers.RowsFor(d * routing.Chosen), (tape, job), static (in s, first, count) =>
        {
            Span<float> y = RowsOf(s.tape, s.job.Y, first, count);
            y.Clear();
            ExpertRows.Combine(s.tape[s.job.Given], s.job.Y.Shape.Columns, s.job.PicksOf(s.job.Places, first, count),
                s.job.PicksOf(s.job.Picked, first, count), RowsOf(s.tape, s.job.Gates, first, count), y);
        });
        Memory<int> loads = tape.TakeIntegers(experts);
        for (int e = 0; e < experts; e++)
            loads.Span[e] = job.Starts.Span[e + 1] - job.Starts.Span[e];
        tape.Record(job, static (tape, in job) => ExpertsBackward(tape, job));
        return new ExpertOutput(job.Y, job.Scores, loads);
    }

    /// <summary>L = E·Σ fᵢ·Pᵢ: f the share of choices, a constant, P the mean score of each expert. See <see cref="Formulas.BalanceLoss"/>.</summary>
    /// <remarks>1 when balanced. Of several layers of as many experts, shares and means go over the rows of all.</remarks>
    public static Tensor BalanceLoss(this Tape tape, params ReadOnlySpan<ExpertOutput> outputs)
    {
        Require.That(outputs.Length > 0, $"balance_loss: there must be a layer of experts");
        int experts = outputs[0].Loads.Length;
        long rows = 0, choices = 0;
        Tensor loss = tape.New(new Shape(1)), shares = tape.New(new Shape(experts));
        foreach (ExpertOutput output in outputs)
        {
            Require.That(output.Loads.Length == experts && output.Probabilities.Shape.Columns == experts,
                $"balance_loss: layers must have as many experts, but they have {experts} and {output.Loads.Length}");
            rows += output.Probabilities.Shape.Rows;
            foreach (int load in output.Loads.Span)
                choices += load;
        }
        double sum = 0;
        for (int e = 0; e < experts; e++)
        {
            double mass = 0;
            long load = 0;
            foreach (ExpertOutput output in outputs)
            {
                load += output.Loads.Span[e];
                ReadOnlySpan<float> scores = tape[output.Probabilities];
                for (int at = e; at < scores.Length; at += experts)
                    mass += scores[at];
            }
            tape[shares][e] = (float)((double)load / choices);
            sum += mass * tape[shares][e];
        }
        tape[loss][0] = (float)(sum * experts / rows);
        if (tape.Recording)
        {
            tape.Record((Outputs: outputs.ToArray(), loss, shares, Scale: (float)experts / rows), static (tape, in s) =>
            {
                if (!tape.HasGradient(s.loss))
                    return;
                float scale = s.Scale * tape.Gradient(s.loss)[0];
                foreach (ExpertOutput output in s.Outputs)
                {
                    Span<float> slopes = tape.Gradient(output.Probabilities), shares = tape[s.shares];
                    for (int at = 0; at < slopes.Length; at += shares.Length)
                        Lanes.AddScaled(shares, scale, slopes.Slice(at, shares.Length));
                }
            });
        }
        return loss;
    }

    // Gathered are x, what enters φ, what leaves it, and what the experts give, [rows·k, …], the rows of an expert together.
    private readonly record struct ExpertJob(Tensor X, Tensor Logits, Tensor GateUp, Tensor Down, Activation Activation, Routing.Options Options,
        Tensor Y, Tensor Gates, Tensor Scores, Tensor Gathered, Tensor Inner, Tensor Hidden, Tensor Given, Memory<int> Picked, Memory<int> Starts,
        Memory<int> Order, Memory<int> Places, ExpertChanges? Changes, ExpertTerms Terms)
    {
        public bool IsGated => GateUp.Shape[1] != Down.Shape[2];

        public Span<int> PicksOf(Memory<int> picks, int firstRow, int rows) => picks.Span.Slice(firstRow * Options.TopK, rows * Options.TopK);
    }

    // An expert's rows times its matrix, or its transpose.
    private static void EachExpert(Tape tape, in ExpertJob job, float* from, Tensor weight, float* to, bool isTransposed, Tensor? bias = null)
    {
        float* added = bias is { } given ? tape.Pointer(given) : null;
        int outputs = weight.Shape[isTransposed ? 1 : 2], inputs = weight.Shape[isTransposed ? 2 : 1];
        ReadOnlySpan<int> starts = job.Starts.Span;
        for (int e = 0; e < job.Options.Experts; e++)
        {
            int first = starts[e], count = starts[e + 1] - first;
            if (count == 0)
                continue;
            Matrix rows = Matrix.Rows(from + (nint)first * inputs, inputs);
            if (isTransposed)
            {
                ProductWithWeight(tape, count, rows, weight, e * outputs, outputs, to + (nint)first * outputs, outputs,
                    bias: added == null ? null : added + (nint)e * outputs);
                continue;
            }
            Matrix own = Matrix.Rows(tape.Pointer(weight) + (nint)e * inputs * outputs, weight.Shape[2]);
            tape.Attribute(weight);
            Product(tape.Workers, count, outputs, inputs, rows, own, to + (nint)first * outputs, outputs, add: false);
        }
    }

    // dW += upᵀ·x of each expert; one that no row chose has a gradient of zeros.
    private static void EachGradient(Tape tape, in ExpertJob job, float* up, Tensor x, Tensor weight)
    {
        if (tape.IsFrozen(weight))
            return;
        int outputs = weight.Shape[1], inputs = weight.Shape[2];
        float* gradient = tape.GradientPointer(weight, out bool add);
        tape.Attribute(weight);
        ReadOnlySpan<int> starts = job.Starts.Span;
        for (int e = 0; e < job.Options.Experts; e++)
        {
            int first = starts[e], count = starts[e + 1] - first;
            WeightGradient(tape.Workers, count, Matrix.Rows(up + (nint)first * outputs, outputs), outputs,
                Matrix.Rows(tape.Pointer(x) + (nint)first * inputs, inputs), inputs, gradient + (nint)e * outputs * inputs, add);
        }
    }

    // db += Σ up of each expert's rows, one chain an element, which begins with what stands there.
    private static void EachBias(Tape tape, in ExpertJob job, float* up, Tensor? bias, int width)
    {
        if (bias is not { } own || tape.IsFrozen(own))
            return;
        float* gradient = tape.GradientPointer(own, out bool add);
        tape.Workers.Run(job.Options.Experts, (job, Up: (nint)up, To: (nint)gradient, add, width), static (in s, expert) =>
        {
            Span<float> sum = new((float*)s.To + (nint)expert * s.width, s.width);
            if (!s.add)
                sum.Clear();
            for (int row = s.job.Starts.Span[expert]; row < s.job.Starts.Span[expert + 1]; row++)
                System.Numerics.Tensors.TensorPrimitives.Add(sum, new ReadOnlySpan<float>((float*)s.Up + (nint)row * s.width, s.width), sum);
        });
    }

    // What is counted has no choices of a router: every expert gets as much, which is what balancing aims at.
    private static void SpreadEvenly(Span<int> picked, int experts)
    {
        for (int pick = 0; pick < picked.Length; pick++)
            picked[pick] = pick % experts;
    }

    private static void Activate(Tape tape, in ExpertJob job)
    {
        (int rows, int width) = (job.Hidden.Shape.Rows, job.Hidden.Shape.Columns);
        if (job.Terms.Limit > 0)
        {
            tape.Workers.Rows(rows, Workers.RowsFor(width), (tape, job, width), static (in s, first, count) =>
            {
                for (int row = first; row < first + count; row++)
                {
                    ReadOnlySpan<float> both = RowsOf(s.tape, s.job.Inner, row, 1);
                    ClampedGate.Forward(both[..s.width], both[s.width..], s.job.Terms.Limit, s.job.Terms.Alpha, RowsOf(s.tape, s.job.Hidden, row, 1));
                }
            });
            return;
        }
        if (job.IsGated)
        {
            GateForward(tape.Workers, job.Activation, rows, width, tape.Pointer(job.Inner), tape.Pointer(job.Hidden));
            return;
        }
        tape.Workers.Rows(rows, Workers.RowsFor(width), (tape, job), static (in s, first, count) =>
            FormulaOf(s.job.Activation).Forward(RowsOf(s.tape, s.job.Inner, first, count), RowsOf(s.tape, s.job.Hidden, first, count)));
    }

    private static void ActivateBackward(Tape tape, in ExpertJob job, float* up, float* gradient)
    {
        (int rows, int width) = (job.Hidden.Shape.Rows, job.Hidden.Shape.Columns);
        if (job.Terms.Limit > 0)
        {
            tape.Workers.Rows(rows, Workers.RowsFor(width), (tape, job, Up: (nint)up, To: (nint)gradient, width), static (in s, first, count) =>
            {
                for (int row = first; row < first + count; row++)
                {
                    ReadOnlySpan<float> both = RowsOf(s.tape, s.job.Inner, row, 1);
                    Span<float> slopes = new((float*)s.To + (nint)row * 2 * s.width, 2 * s.width);
                    ClampedGate.Backward(both[..s.width], both[s.width..], s.job.Terms.Limit, s.job.Terms.Alpha,
                        new ReadOnlySpan<float>((float*)s.Up + (nint)row * s.width, s.width), slopes[..s.width], slopes[s.width..]);
                }
            });
            return;
        }
        if (job.IsGated)
        {
            GateBackward(tape.Workers, job.Activation, rows, width, tape.Pointer(job.Inner), up, gradient);
            return;
        }
        tape.Workers.Rows(rows, Workers.RowsFor(width), (tape, job, Up: (nint)up, To: (nint)gradient, width), static (in s, first, count) =>
            FormulaOf(s.job.Activation).Backward(RowsOf(s.tape, s.job.Inner, first, count),
                new ReadOnlySpan<float>((float*)s.Up + (nint)first * s.width, count * s.width),
                new Span<float>((float*)s.To + (nint)first * s.width, count * s.width)));
    }

    private static void ExpertsBackward(Tape tape, in ExpertJob job)
    {
        bool hasRows = tape.HasGradient(job.Y);
        if (!hasRows && !tape.HasGradient(job.Scores))
            return;
        Arena.Mark mark = tape.Scratch.Here;
        float* dgates = TakeZeros(tape, job.X.Shape.Rows, job.Options.Experts);
        if (hasRows)
            LayersBackward(tape, job, dgates);
        tape.Gradient(job.Logits);
        tape.Workers.Rows(job.X.Shape.Rows, RoutedRowsAPart, (tape, job, Up: (nint)dgates), static (in s, first, count) =>
        {
            int experts = s.job.Options.Experts;
            Routing.Backward(s.job.Options, RowsOf(s.tape, s.job.Scores, first, count), s.job.PicksOf(s.job.Picked, first, count),
                new ReadOnlySpan<float>((float*)s.Up + (nint)first * experts, count * experts), GradientRows(s.tape, s.job.Logits, first, count),
                s.tape.HasGradient(s.job.Scores) ? GradientRows(s.tape, s.job.Scores, first, count) : default);
        });
        tape.Scratch.Rewind(mark);
    }

    private static void LayersBackward(Tape tape, in ExpertJob job, float* dgates)
    {
        int places = job.Gathered.Shape.Rows, d = job.X.Shape.Columns, inner = job.Inner.Shape.Columns, hidden = job.Hidden.Shape.Columns;
        float* wide = tape.Scratch.Take((long)places * d), dhidden = tape.Scratch.Take((long)places * hidden), dinner = TakeZeros(tape, places, inner);
        int size = Workers.RowsFor(d * job.Options.TopK);
        tape.Workers.Rows(job.X.Shape.Rows, size, (tape, job, Gates: (nint)dgates, To: (nint)wide), static (in s, first, count) =>
        {
            int experts = s.job.Options.Experts;
            ExpertRows.CombineBackward(GradientRows(s.tape, s.job.Y, first, count), s.tape[s.job.Given], s.job.Y.Shape.Columns,
                s.job.PicksOf(s.job.Places, first, count), s.job.PicksOf(s.job.Picked, first, count), RowsOf(s.tape, s.job.Gates, first, count),
                new Span<float>((float*)s.To, checked((int)s.job.Given.Shape.Count)),
                new Span<float>((float*)s.Gates + (nint)first * experts, count * experts));
        });
        EachExpert(tape, job, wide, job.Down, dhidden, isTransposed: false);
        ChangesBackward(tape, job, job.Changes?.Down, job.Hidden, wide, d, dhidden);
        EachGradient(tape, job, wide, job.Hidden, job.Down);
        EachBias(tape, job, wide, job.Terms.DownBias, d);
        ActivateBackward(tape, job, dhidden, dinner);
        EachGradient(tape, job, dinner, job.Gathered, job.GateUp);
        EachBias(tape, job, dinner, job.Terms.GateUpBias, inner);
        EachExpert(tape, job, dinner, job.GateUp, wide, isTransposed: false);
        ChangesBackward(tape, job, job.Changes?.GateUp, job.Gathered, dinner, inner, wide);
        tape.Gradient(job.X);
        tape.Workers.Rows(job.X.Shape.Rows, size, (tape, job, From: (nint)wide), static (in s, first, count) =>
            ExpertRows.Combine(new ReadOnlySpan<float>((float*)s.From, checked((int)s.job.Given.Shape.Count)), s.job.X.Shape.Columns,
                s.job.PicksOf(s.job.Places, first, count), s.job.PicksOf(s.job.Picked, first, count), default, GradientRows(s.tape, s.job.X, first, count)));
    }
}
