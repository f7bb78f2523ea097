using System.Diagnostics;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Planning;

/// <summary>Measures what kinds of work cost: products and attention alone, the rest from whole steps and decoded tokens of some small models.</summary>
internal sealed class Calibration(Workers workers, IProgress<string>? progress)
{
    /// <summary>Numbers of a place of the grid of decoding.</summary>
    public const int DecodingColumns = 3;

    private const double SecondsOfRead = 0.05;
    /// <summary>Tokens behind a sequence whose attention costs about what that to one token costs.</summary>
    public const int PageOfContext = 128;

    private const int Rounds = 3, ShortTurns = 6, Turns = 3, Tokens = 8, Context = 1024;

    // Products as steps have them: rows of a pass by widths, their gradients of inputs and of weights.
    private static readonly (int M, int N, int K)[] Products =
    [
        (128, 256, 128), (512, 384, 128), (512, 704, 128), (2048, 384, 128), (1024, 768, 256), (1024, 1376, 256), (1024, 256, 688), (1024, 2816, 512),
        (512, 512, 1408), (256, 3072, 768), (768, 256, 1024), (1408, 512, 1024), (2816, 512, 1024), (384, 128, 2048), (1024, 4096, 256), (4096, 256, 1024),
    ];

    // Vocabulary, width, layers, heads, inner width; batch and length. One of GPT-2's kind.
    private static readonly (int Vocabulary, int Width, int Layers, int Heads, int Hidden, int Batch, int Length)[] Steps =
    [
        (512, 128, 4, 4, 352, 8, 128), (4096, 256, 3, 8, 688, 4, 256), (1024, 384, 2, 6, 1024, 2, 512), (2048, 512, 2, 8, 1408, 8, 64), (256, 64, 6, 4, 176, 32, 64),
        (512, 192, 4, 6, 512, 1, 1024), (8192, 192, 2, 6, 512, 4, 128), (1024, 256, 4, 4, 0, 8, 96),
    ];

    // Of growing weights: within caches, and far beyond them.
    private static readonly (int Width, int Layers, int Hidden)[] Decoders =
        [(64, 8, 176), (128, 4, 352), (192, 6, 512), (256, 8, 688), (384, 7, 1024), (512, 8, 1408), (768, 10, 2048), (1024, 12, 2816)];
    private static readonly int[] Sequences = [1, 4, 8, 16];

    /// <summary>Further steps that are timed in the rounds of the calibration, for a check of it; nothing is learned from them.</summary>
    public IReadOnlyList<(DecoderConfig Config, StepShape Shape)> FurtherSteps { get; init; } = [];

    /// <summary>Further tokens: models, sequences and contexts.</summary>
    public IReadOnlyList<(DecoderConfig Config, int Sequences, int Context)> FurtherTokens { get; init; } = [];

    /// <summary>What the machine gave beside each of <see cref="FurtherTokens"/>, by reads of as many bytes as such a token reads.</summary>
    public MachineMoment[] Moments { get; private set; } = [];

    /// <summary>The seconds of <see cref="FurtherSteps"/>.</summary>
    public double[] StepTimes { get; private set; } = [];

    /// <summary>The seconds of <see cref="FurtherTokens"/>.</summary>
    public double[] TokenTimes { get; private set; } = [];

    public MachineProfile Measure(string machine)
    {
        progress?.Report("the processor's peak, and memory");
        double peak = PeakRate.Measure(workers) * 1e9, memory = MemoryRate.Measure(workers);
        progress?.Report("matrix products");
        double[] products = ProductCosts();
        progress?.Report("attention");
        double attention = AttentionCost();
        progress?.Report("optimizers");
        Dictionary<string, double> optimizers = OptimizerCosts();
        double[] muon = MuonCosts();
        optimizers.Add(MachineProfile.NameOf(new MuonOptions()), muon[1]);
        MachineProfile profile = new()
        {
            Machine = machine,
            Threads = workers.Count,
            PeakOperations = peak,
            MemoryBytes = memory,
            ProductCosts = products,
            AttentionCost = attention,
            OtherCosts = [0, 0, 0],
            OptimizerCosts = optimizers,
            WholeCost = muon[0],
            StepSpread = 1,
            DecodingCosts = [],
            BlockCost = 0,
            DecodingSpread = 1,
        };
        progress?.Report("steps of training");
        profile = WithSteps(profile);
        progress?.Report("decoding");
        return WithDecoding(profile);
    }

    /// <summary>Times the further steps and tokens alone, beside a profile of before.</summary>
    public MachineProfile MeasureFurther(MachineProfile before)
    {
        StepTimes = Least([.. FurtherSteps.Select(one => (Func<double>)(() => TimeOfStep(one.Config, one.Shape)))]);
        TakeFurther(LeastPairs([.. FurtherTokens.Select(Probe)]), MachineMoment.MeasureJobs(workers));
        return before;
    }

    private void TakeFurther((double Seconds, double ReadRate)[] pairs, double job) =>
        (TokenTimes, Moments) = ([.. pairs.Select(pair => pair.Seconds)], [.. pairs.Select(pair => new MachineMoment(pair.ReadRate, job))]);

    // A token, and a plain read of as many bytes just before it: memory may give another rate a second later.
    private Func<(double, double)> Probe((DecoderConfig Config, int Sequences, int Context) one) => () =>
    {
        double rate = MemoryRate.Measure(workers, MachineProfile.BytesOfToken(one.Config, one.Sequences, one.Context), SecondsOfRead);
        return (TimeOfToken(one.Config, one.Sequences, one.Context), rate);
    };

    private double[] ProductCosts()
    {
        double[] times = Least([.. Products.Select(size => (Func<double>)(() => TimeOfProduct(size.M, size.N, size.K)))]);
        return NonNegativeFit.Fit([.. Products.Select(size => (double[])[2.0 * size.M * size.N * size.K, (double)size.K * (size.M + size.N),
            (double)size.M * size.N, 1])], times);
    }

    /// <summary>The seconds of y = x·Wᵀ, the least of a few.</summary>
    public double TimeOfProduct(int m, int n, int k)
    {
        using Tape tape = new(workers) { Recording = false };
        Tensor x = tape.New(new Shape(m, k)), weight = tape.New(new Shape(n, k));
        tape[x].Fill(0.5f);
        tape[weight].Fill(0.25f);
        Tape.Mark mark = tape.Here;
        return LeastOf(ShortTurns, () =>
        {
            tape.Linear(x, weight);
            tape.Rewind(mark);
        });
    }

    private double AttentionCost()
    {
        (int Batch, int Length, int Heads, int Width)[] shapes = [(8, 128, 4, 32), (2, 512, 6, 64), (1, 1024, 8, 64), (4, 256, 8, 32)];
        double[] times = Least([.. shapes.Select(shape => (Func<double>)(() => TimeOfAttention(shape.Batch, shape.Length, shape.Heads, shape.Width)))]);
        double[][] amounts = [.. shapes.Select(shape => (double[])[OperationsOfAttention(shape.Batch, shape.Length, shape.Heads, shape.Width)])];
        return NonNegativeFit.Fit(amounts, times)[0];
    }

    /// <summary>The seconds of causal attention, forward and backward, the least of a few.</summary>
    public double TimeOfAttention(int batch, int length, int heads, int width)
    {
        using Tape tape = new(workers);
        AttentionHeads shape = new(heads, heads, width);
        int[] lengths = Lengths(batch, length);
        Philox random = new(1);
        float[] values = [.. Enumerable.Range(0, batch * length * shape.RowWidth).Select(i => (float)random.Normal((ulong)i))];
        return LeastOf(Turns, () =>
        {
            Tensor y = tape.Attention(tape.Input(new Shape(batch * length, shape.RowWidth), values), lengths, shape);
            tape.Gradient(y).Fill(1);
            tape.RunBackward();
            tape.Rewind();
        });
    }

    /// <summary>The operations of the same: the backward takes five halves of the forward's.</summary>
    public static double OperationsOfAttention(int batch, int length, int heads, int width)
    {
        int[] lengths = Lengths(batch, length);
        return 3.5 * AttentionPairs.ForwardOperations(new AttentionHeads(heads, heads, width), lengths, lengths);
    }

    private static int[] Lengths(int batch, int length) => [.. Enumerable.Repeat(length, batch)];

    private Dictionary<string, double> OptimizerCosts()
    {
        OptimizerOptions[] kinds = [new AdamWOptions(), new AdamOptions(), new LionOptions(), new GradientDescentOptions(),
            new GradientDescentOptions { Momentum = 0.9 }, new AdafactorOptions()];
        double[] times = Least([.. kinds.Select(options => (Func<double>)(() => TimeOfOptimizer(options)))]);
        return kinds.Select((options, i) => (Name: MachineProfile.NameOf(options), Cost: times[i])).ToDictionary(one => one.Name, one => one.Cost);
    }

    // Seconds of an operation of products of whole matrices, by the thread that has most of them, and of a parameter.
    private double[] MuonCosts()
    {
        DecoderConfig[] configs = [Presets.Llama(512, 128, 4, 4, 352, 128), Presets.Llama(2048, 256, 4, 4, 688, 128), Presets.Llama(2048, 512, 2, 8, 1408, 128),
            Presets.Llama(8192, 256, 2, 4, 688, 128)];
        double[] times = Least([.. configs.Select(config => (Func<double>)(() => TimeOfOptimizer(new MuonOptions(), config)))]);
        double[][] amounts = [.. configs.Select(config =>
        {
            StepPlan plan = StepPlan.Of(config, new StepShape(1, 1) { Optimizer = new MuonOptions() });
            return (double[])[MachineProfile.Longest(plan.WholeOperations, workers.Count), plan.Trained];
        })];
        return NonNegativeFit.Fit(amounts, times);
    }

    // Of a parameter.
    private double TimeOfOptimizer(OptimizerOptions options)
    {
        DecoderConfig config = Presets.Llama(2048, 512, 4, 8, 1408, 128);
        return TimeOfOptimizer(options, config) / ParameterCount.Of(config).Total;
    }

    private double TimeOfOptimizer(OptimizerOptions options, DecoderConfig config)
    {
        using Decoder model = new(config);
        model.Initialize(1);
        Optimizer optimizer = options.Make(model.Parameters, workers);
        return LeastOf(Turns, () =>
        {
            foreach (Parameter parameter in model.Parameters.All)
                model.Parameters.Gradients(parameter)[0] = 1e-3f;
            optimizer.Step(1e-6);
        });
    }

    private MachineProfile WithSteps(MachineProfile profile)
    {
        OptimizerOptions options = new AdamWOptions();
        (DecoderConfig Config, StepShape Shape)[] all = [.. Steps.Select(one => (ConfigOf(one.Vocabulary, one.Width, one.Layers, one.Heads, one.Hidden, one.Length),
            new StepShape(one.Batch, one.Length) { Optimizer = options }))];
        double[] times = Least([.. all.Concat(FurtherSteps).Select(one => (Func<double>)(() => TimeOfStep(one.Config, one.Shape)))]);
        (StepTimes, times) = (times[all.Length..], times[..all.Length]);
        double[][] amounts = [.. all.Select(one =>
        {
            WorkFeatures work = StepPlan.Of(one.Config, one.Shape).Features;
            double known = profile.KnownTime(work) + profile.OptimizerCosts[MachineProfile.NameOf(options)] * work.Stepped;
            return (double[])[known, work.Elements, work.Logits, work.Jobs];
        })];
        double[] costs = NonNegativeFit.Fit(amounts, times);
        double[] errors = [.. times.Select((time, i) => Math.Log(amounts[i].Zip(costs, (amount, cost) => amount * cost).Sum() / time))];
        // In a step products find their operands elsewhere than alone: all that was measured alone is scaled by one number.
        return profile with
        {
            ProductCosts = [.. profile.ProductCosts.Select(cost => costs[0] * cost)],
            AttentionCost = costs[0] * profile.AttentionCost,
            OptimizerCosts = profile.OptimizerCosts.ToDictionary(cost => cost.Key, cost => costs[0] * cost.Value),
            WholeCost = costs[0] * profile.WholeCost,
            OtherCosts = costs[1..],
            StepSpread = SpreadOf(errors, costs.Count(cost => cost > 0)),
        };
    }

    private static DecoderConfig ConfigOf(int vocabulary, int width, int layers, int heads, int hidden, int length) => hidden == 0
        ? Presets.Gpt2(vocabulary, width, layers, heads, length) : Presets.Llama(vocabulary, width, layers, heads, hidden, length);

    /// <summary>The seconds of a step, the least of a few: forward, backward, clipping and the optimizer.</summary>
    public double TimeOfStep(DecoderConfig config, StepShape shape, int turns = Turns)
    {
        using Decoder model = new(config) { RecomputesBlocks = shape.RecomputesBlocks };
        model.Initialize(1);
        using Adapter? adapter = shape.Adapter is { } change ? AdapterFolder.Create(model, change, 1) : null;
        adapter?.Apply();
        model.Parameters.IsFrozen = adapter is not null;
        Parameters learning = adapter?.Parameters ?? model.Parameters;
        using Tape tape = new(workers, model.Parameters);
        Optimizer optimizer = shape.Optimizer.Make(learning, workers);
        learning.ForgetGradients();
        int[] ids = Ids(shape.Batch * shape.Length, config.VocabularySize);
        return LeastOf(turns, () =>
        {
            for (int pass = 0; pass < shape.Accumulate; pass++)
            {
                tape.Backward(model.Loss(tape, Rows.Windows(ids, shape.Batch), ids));
                tape.Rewind();
            }
            optimizer.Step(1e-5);
        });
    }

    private MachineProfile WithDecoding(MachineProfile profile)
    {
        (DecoderConfig Config, int Sequences, int Context)[] grid = [.. from one in Decoders
            from sequences in Sequences
            select (Presets.Llama(1024, one.Width, one.Layers, one.Width / 64, one.Hidden, 2 * Context) with { Head = new HeadConfig(Tied: true) }, sequences, 1)];
        // Keys and values within caches and beyond them; blocks so small that only their number counts.
        (int Near, int Far) places = (Sequences.Length, 5 * Sequences.Length);
        (DecoderConfig Config, int Sequences, int Context) near = grid[places.Near] with { Context = Context }, far = grid[places.Far] with { Context = Context };
        (DecoderConfig Config, int Sequences, int Context) blocks = (Presets.Llama(64, 32, 24, 1, 64, 64), 1, 1);
        (DecoderConfig Config, int Sequences, int Context)[] checks =
        [
            (Presets.Llama(4096, 384, 6, 6, 1024, 1024), 1, 256), (Presets.Llama(2048, 640, 6, 10, 1728, 1024), 8, 128),
            (Presets.Llama(8192, 320, 8, 5, 896, 1024), 2, 64),
        ];
        // Little behind each of several sequences: attention to one token or a page of them costs much the same a head.
        int several = 3 * Sequences.Length + Sequences.Length - 2;
        (DecoderConfig Config, int Sequences, int Context) page = grid[several] with { Context = PageOfContext };
        (double Seconds, double ReadRate)[] pairs = LeastPairs([.. grid.Concat([near, far, blocks, page]).Concat(checks).Concat(FurtherTokens).Select(Probe)]);
        double[] times = [.. pairs.Select(pair => pair.Seconds)];
        int first = grid.Length + 4;
        double job = MachineMoment.MeasureJobs(workers);
        TakeFurther(pairs[(first + checks.Length)..], job);
        double block = times[grid.Length + 2] / blocks.Config.Layers;
        double[] nearCost = CacheCostOf(near.Config, times[grid.Length] - times[places.Near]);
        double ofElements = nearCost[1] * page.Sequences * CachePlan.Of(page.Config).ElementsOf(PageOfContext);
        MachineProfile known = profile with
        {
            DecodingCosts = [.. grid.Select((one, i) => CostOf(ParameterCount.Of(one.Config).Total, one.Sequences, times[i], block * one.Config.Layers))],
            CacheCosts = [nearCost, CacheCostOf(far.Config, times[grid.Length + 1] - times[places.Far])],
            BlockCost = block,
            JobCost = job,
            PageCost = Math.Max(0, times[grid.Length + 3] - times[several] - ofElements) / (page.Sequences * (double)CachePlan.Of(page.Config).ElementsOfToken),
            ReadRates = [.. Decoders.Select((_, i) => i * Sequences.Length).Select(i => (double[])[Math.Log(MachineProfile.BytesOfToken(grid[i].Config, 1, 1)),
                pairs[i].ReadRate])],
        };
        double[] errors = [.. checks.Select((check, i) => Math.Log(known.DecodingTime(check.Config, check.Sequences, check.Context,
            new MachineMoment(pairs[first + i].ReadRate, job)).Value / times[first + i]))];
        return known with { DecodingSpread = SpreadOf(errors, 0) };
    }

    internal static double[] CacheCostOf(DecoderConfig config, double seconds)
    {
        double elements = CachePlan.Of(config).ElementsOf(Context);
        return [Math.Log(sizeof(float) * (elements + ParameterCount.Of(config).Total)), Math.Max(1e-13, seconds / elements)];
    }

    internal static double[] CostOf(double weights, int sequences, double seconds, double blocks) =>
        [Math.Log(sizeof(float) * weights), Math.Log(sequences), Math.Log(Math.Max(0.05 * seconds, seconds - blocks) / weights)];

    /// <summary>The seconds in which some sequences get one more token each, the least of a few.</summary>
    public double TimeOfToken(DecoderConfig config, int sequences, int context)
    {
        using Decoder model = new(config);
        // Any numbers will do, but pages that nothing was written to would be read from nowhere.
        foreach (Parameter parameter in model.Parameters.All)
            model.Parameters.Weights(parameter).Fill(0.01f);
        model.Parameters.Pack(workers);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        SequenceState[] states = [.. Enumerable.Range(0, sequences).Select(_ => model.NewState())];
        int[] ids = Ids(Math.Max(context, sequences), config.VocabularySize), lengths = [.. Enumerable.Repeat(1, sequences)];
        foreach (SequenceState state in states)
        {
            model.NextLogits(tape, Rows.One(ids.AsMemory(0, context), state));
            tape.Rewind();
        }
        double seconds = LeastOf(Tokens, () =>
        {
            model.NextLogits(tape, new Rows(ids.AsMemory(0, sequences), lengths, states));
            tape.Rewind();
        });
        foreach (SequenceState state in states)
            state.Dispose();
        return seconds;
    }

    private static int[] Ids(int count, int vocabulary)
    {
        Philox random = new(1);
        return [.. Enumerable.Range(0, count).Select(i => random.Below(vocabulary, (ulong)i))];
    }

    internal static double SpreadOf(double[] errors, int fitted) =>
        Math.Max(1e-3, Math.Sqrt(errors.Sum(error => error * error) / Math.Max(1, errors.Length - fitted)));

    // Everything in turn, several times: what disturbs a moment disturbs one round, and in the first one code is still being compiled.
    internal static double[] Least(Func<double>[] probes)
    {
        double[] least = [.. probes.Select(_ => double.PositiveInfinity)];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < probes.Length; i++)
                least[i] = Math.Min(least[i], probes[i]());
        }
        return least;
    }

    /// <summary>The same of pairs of a time and something beside it: the pair of the least time.</summary>
    internal static (double Seconds, double ReadRate)[] LeastPairs(Func<(double Seconds, double ReadRate)>[] probes)
    {
        (double Seconds, double ReadRate)[] least = [.. probes.Select(_ => (double.PositiveInfinity, 0.0))];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < probes.Length; i++)
            {
                if (probes[i]() is var pair && pair.Seconds < least[i].Seconds)
                    least[i] = pair;
            }
        }
        return least;
    }

    // The least: what a machine takes that does nothing else. The first turn warms up.
    private static double LeastOf(int turns, Action action)
    {
        double least = double.PositiveInfinity;
        for (int turn = 0; turn <= turns; turn++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            least = turn == 0 ? least : Math.Min(least, seconds);
        }
        return least;
    }
}
