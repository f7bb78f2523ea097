using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Planning;

/// <summary>A step takes the memory and the operations that were planned.</summary>
public class StepPlanTests
{
    [Theory, MemberData(nameof(ReferenceCheckpointTests.All), MemberType = typeof(ReferenceCheckpointTests))]
    public void AFamilyTakesThePlannedBytes(string folder)
    {
        Assert.SkipWhen(NativeBlock.Source.IsExact, "blocks that are made to measure are no chunks");
        string path = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder));
        foreach (bool recomputes in (bool[])[false, true])
        {
            using Model model = ModelFolder.Read(path);
            ModelConfig config = model switch { Decoder one => one.Config, Encoder one => one.Config, EncoderDecoder one => one.Config, _ => throw new InvalidOperationException() };
            StepShape shape = new(3, 24) { RecomputesBlocks = recomputes };
            StepPlan plan = StepPlan.Of(config, shape);
            model.RecomputesBlocks = recomputes;
            using Workers workers = new(2);
            using Tape tape = new(workers, model.Parameters);
            Optimizer optimizer = shape.Optimizer.Make(model.Parameters, workers);
            tape.Backward(Loss(model, tape, shape));
            Assert.Equal(4 * tape.PeakElements, plan.ActivationBytes);
            Assert.Equal(4 * tape.TouchedElements, plan.TouchedActivationBytes);
            Assert.Equal(4 * model.Parameters.GradientElements, plan.GradientBytes);
            Assert.Equal(4 * model.Parameters.MomentElements, plan.MomentBytes);
            Assert.Equal(4 * model.Parameters.BlockLength, plan.WeightBytes);
            Assert.Equal(recomputes, plan.Recomputation > 0);
        }
    }

    public static TheoryData<string> OptimizerNames => ["adamw", "adam", "lion", "sgd", "momentum", "muon", "adafactor"];

    private static OptimizerOptions OptimizerOf(string name) => name switch
    {
        "adam" => new AdamOptions(),
        "lion" => new LionOptions(),
        "sgd" => new GradientDescentOptions(),
        "momentum" => new GradientDescentOptions { Momentum = 0.9 },
        "muon" => new MuonOptions(),
        "adafactor" => new AdafactorOptions(),
        _ => new AdamWOptions(),
    };

    // Moments in blocks, or what stands beside them, by the state that a checkpoint has.
    private static long MomentBytes(Parameters parameters, Optimizer optimizer) =>
        4 * (parameters.MomentElements > 0 ? parameters.MomentElements : optimizer.State.Sum(tensor => (long)tensor.Values().Length));

    [Theory, MemberData(nameof(OptimizerNames))]
    public void EveryOptimizerKeepsThePlannedBytes(string name)
    {
        foreach (string family in (string[])["llama", "qwen3-moe", "gpt2"])
        {
            using Model model = ModelFolder.Read(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family)));
            StepPlan plan = StepPlan.Of(((Decoder)model).Config, new StepShape(2, 16) { Optimizer = OptimizerOf(name) });
            using Workers workers = new(2);
            using Tape tape = new(workers, model.Parameters);
            Optimizer optimizer = plan.Shape.Optimizer.Make(model.Parameters, workers);
            model.Parameters.ForgetGradients();
            tape.Backward(Loss(model, tape, plan.Shape));
            optimizer.Step(1e-4);
            Assert.Equal(4 * model.Parameters.GradientElements, plan.GradientBytes);
            Assert.Equal(MomentBytes(model.Parameters, optimizer), plan.MomentBytes);
            Assert.Equal(model.Parameters.Count, plan.Trained);
        }
    }

    [Theory]
    [InlineData("llama", "all-linear", false)]
    [InlineData("llama", "q_proj,v_proj", true)]
    [InlineData("gpt2", "all-linear", false)]
    [InlineData("mistral-window", "all-linear", true)]
    [InlineData("gemma3", "all-linear", false)]
    [InlineData("qwen3-moe", "q_proj,k_proj,v_proj,o_proj", false)]
    public void AnAdaptersStepTakesThePlannedBytes(string family, string targets, bool recomputes)
    {
        Assert.SkipWhen(NativeBlock.Source.IsExact, "blocks that are made to measure are no chunks");
        using Model model = ModelFolder.Read(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family)));
        AdapterConfig change = new() { Rank = 5, Alpha = 10, Targets = targets.Split(',') };
        StepPlan plan = StepPlan.Of(((Decoder)model).Config, new StepShape(3, 24) { Adapter = change, RecomputesBlocks = recomputes, Optimizer = new LionOptions() });
        model.RecomputesBlocks = recomputes;
        using Adapter adapter = AdapterFolder.Create(model, change, 1);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        Optimizer optimizer = plan.Shape.Optimizer.Make(adapter.Parameters, workers);
        adapter.Parameters.ForgetGradients();
        tape.Backward(Loss(model, tape, plan.Shape));
        optimizer.Step(1e-4);
        Assert.Equal(adapter.Parameters.Count, plan.Trained);
        Assert.Equal(4 * adapter.Parameters.BlockLength, plan.AdapterBytes);
        Assert.Equal(4 * (model.Parameters.BlockLength + adapter.Parameters.BlockLength), plan.WeightBytes);
        Assert.Equal(4 * adapter.Parameters.GradientElements, plan.GradientBytes);
        Assert.Equal(4 * adapter.Parameters.MomentElements, plan.MomentBytes);
        Assert.Equal(4 * tape.PeakElements, plan.ActivationBytes);
        Assert.Equal(4 * tape.TouchedElements, plan.TouchedActivationBytes);
        Assert.Equal(adapter.Parameters.Count, plan.Features.Stepped);
        Assert.True(plan.Parts.Single(part => part.Part == ModelPart.Adapter).Forward > 0);
    }

    [Fact]
    public void AdaptersOfExpertsAreNearIt()
    {
        // A plan gives every expert equally many rows, and each expert's rows of A·x lie in memory of their own, from a multiple of 64 bytes on.
        Assert.SkipWhen(NativeBlock.Source.IsExact, "blocks that are made to measure are no chunks");
        using Model model = ModelFolder.Read(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "qwen3-moe")));
        AdapterConfig change = new() { Rank = 5, Alpha = 10, Targets = ["all-linear"] };
        StepPlan plan = StepPlan.Of(((Decoder)model).Config, new StepShape(3, 24) { Adapter = change });
        using Adapter adapter = AdapterFolder.Create(model, change, 1);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        adapter.Parameters.AllocateTrainingState();
        tape.Backward(Loss(model, tape, plan.Shape));
        Assert.Equal(4 * adapter.Parameters.GradientElements, plan.GradientBytes);
        Assert.InRange(plan.ActivationBytes / (4.0 * tape.PeakElements), 0.99, 1.01);
    }

    [Fact]
    public void AnAdapterHasNoGradientsOfMatrices()
    {
        const int d = 64, hidden = 176, layers = 2, rank = 4, rows = 32;
        DecoderConfig config = Presets.Llama(300, d, layers, 4, hidden, 128);
        StepPlan whole = StepPlan.Of(config, new StepShape(1, rows)), plan = StepPlan.Of(config, new StepShape(1, rows)
        {
            Adapter = new AdapterConfig { Rank = rank, Alpha = 8, Targets = ["all-linear"] },
        });
        // A and B of queries, keys, values and outputs, of gate, up and down.
        const int trained = layers * rank * (4 * (d + d) + 3 * (d + hidden));
        Assert.Equal(trained, plan.Trained);
        Assert.Equal(8 * trained, plan.MomentBytes);
        PartOperations adapter = plan.Parts.Single(part => part.Part == ModelPart.Adapter);
        Assert.Equal(2.0 * rows * trained, adapter.Forward);
        // The first block reads the embedding, which is frozen, so nothing goes back through the A of queries, keys and values.
        Assert.Equal((2 * adapter.Forward) - (2.0 * rows * 3 * d * rank), adapter.Backward);
        // Of the model only the gradients of what its matrices read.
        PartOperations feedForward = plan.Parts.Single(part => part.Part == ModelPart.FeedForward);
        Assert.Equal(feedForward.Forward, feedForward.Backward);
        Assert.Equal(whole.Forward + adapter.Forward, plan.Forward);
    }

    [Fact]
    public void MemoryOfAPrecisionIsThatOfItsNumbers()
    {
        DecoderConfig config = Presets.Find("llama-29m")!;
        StepPlan plan = StepPlan.Of(config, new StepShape(2, 128));
        long n = ParameterCount.Of(config).Total, activations = plan.TouchedActivationBytes / 4;
        Assert.Equal(new StepMemory(plan.WeightBytes, 0, plan.GradientBytes, plan.MomentBytes, plan.TouchedActivationBytes), plan.MemoryIn(TrainingPrecision.Float32));
        Assert.Equal(plan.ResidentBytes, plan.MemoryIn(TrainingPrecision.Float32).Total);
        // 2 and 2 bytes, and 4 + 4 + 4 of the optimizer: 16 a parameter (ZeRO, section 3.1).
        Assert.Equal(new StepMemory(2 * n, 4 * n, 2 * n, 8 * n, 2 * activations), plan.MemoryIn(TrainingPrecision.Mixed));
        Assert.Equal(16 * n + 2 * activations, plan.MemoryIn(TrainingPrecision.Mixed).Total);
        foreach (string half in (string[])["bfloat16", "float16"])
            Assert.Equal(new StepMemory(2 * n, 0, 2 * n, 4 * n, 2 * activations), plan.MemoryIn(TrainingPrecision.Find(half)));
        StepPlan descent = StepPlan.Of(config, new StepShape(2, 128) { Optimizer = new GradientDescentOptions() });
        Assert.Equal(8 * n + 2 * activations, descent.MemoryIn(TrainingPrecision.Mixed).Total);
        // Of an adapter only what learns has a copy, a gradient and moments.
        StepPlan adapter = StepPlan.Of(config, new StepShape(2, 128) { Adapter = new AdapterConfig { Rank = 8, Alpha = 16, Targets = ["all-linear"] } });
        StepMemory mixed = adapter.MemoryIn(TrainingPrecision.Mixed);
        Assert.Equal((2 * (n + adapter.Trained), 4 * adapter.Trained, 2 * adapter.Trained, 8 * adapter.Trained),
            (mixed.Weights, mixed.Masters, mixed.Gradients, mixed.Moments));
        Assert.Contains("float32, bfloat16", Assert.Throws<ArgumentException>(() => TrainingPrecision.Find("int8")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiny", 256, 12, false)]
    [InlineData("char", 64, 40, false)]
    [InlineData("nanochat-d4", 300, 2, true)]
    public void APresetTakesThePlannedBytes(string name, int length, int batch, bool recomputes)
    {
        Assert.SkipWhen(NativeBlock.Source.IsExact, "blocks that are made to measure are no chunks");
        DecoderConfig config = Presets.Find(name, 500)! with { MaximumLength = Presets.Find(name)!.MaximumLength };
        StepPlan plan = StepPlan.Of(config, new StepShape(batch, length) { RecomputesBlocks = recomputes });
        using Decoder model = new(config) { RecomputesBlocks = recomputes };
        model.Initialize(1);
        model.Parameters.AllocateTrainingState();
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        tape.Backward(Loss(model, tape, plan.Shape));
        Assert.Equal(4 * tape.PeakElements, plan.ActivationBytes);
    }

    private static LossPart Loss(Model model, Tape tape, StepShape shape)
    {
        int vocabulary = model switch { Decoder one => one.VocabularySize, EncoderDecoder one => one.VocabularySize, _ => ((Encoder)model).Config.VocabularySize };
        int[] ids = [.. Enumerable.Range(0, shape.Batch * shape.Length).Select(i => i * 7919 % vocabulary)];
        Rows rows = Rows.Windows(ids, shape.Batch);
        return model switch
        {
            Decoder decoder => decoder.Balanced(tape, decoder.Loss(tape, rows, ids, new Philox(1))),
            EncoderDecoder both => both.Loss(tape, rows, rows, ids, new Philox(1)),
            Encoder { Config.Head: not null } encoder => encoder.MaskedLoss(tape, encoder.Hidden(tape, rows, default, new Philox(1)), ids, new Philox(1)),
            _ => new LossPart(tape.Sum(((Encoder)model).Hidden(tape, rows, default, new Philox(1))), ids.Length),
        };
    }

    [Theory]
    [InlineData(1, 32)]
    [InlineData(4, 100)]
    public void OperationsAreThoseOfTheMatrices(int batch, int length)
    {
        const int layers = 5, d = 64, hidden = 176, vocabulary = 300, heads = 4, keyHeads = 2, width = 16;
        DecoderConfig config = Presets.Llama(vocabulary, d, layers, heads, hidden, 128, keyHeads);
        StepPlan plan = StepPlan.Of(config, new StepShape(batch, length));
        double rows = batch * length, pairs = batch * heads * (length * (length + 1.0) / 2);
        Dictionary<ModelPart, PartOperations> parts = plan.Parts.ToDictionary(part => part.Part);
        Assert.Equal(2 * rows * layers * (d * (heads + 2 * keyHeads) * width + d * heads * width), parts[ModelPart.Attention].Forward);
        Assert.Equal(2 * rows * layers * 3 * d * hidden, parts[ModelPart.FeedForward].Forward);
        Assert.Equal(2 * rows * vocabulary * d, parts[ModelPart.Head].Forward);
        Assert.Equal(layers * pairs * 4 * width, parts[ModelPart.AttentionScores].Forward);
        Assert.Equal(layers * pairs * 10 * width, parts[ModelPart.AttentionScores].Backward);
        foreach (ModelPart part in (ModelPart[])[ModelPart.Attention, ModelPart.FeedForward, ModelPart.Head])
            Assert.Equal(2 * parts[part].Forward, parts[part].Backward);
        Assert.Equal(0, plan.Recomputation);
        Assert.Equal(6.0 * ParameterCount.Of(config).Total * rows, plan.SixTimesParameters);
        // What 6N leaves out is attention, what it has too much are the table of ids and the norms.
        double norms = (2 * layers + 1) * d, table = vocabulary * d;
        Assert.Equal(plan.SixTimesParameters - 6 * rows * (norms + table) + layers * pairs * 14 * width, plan.Operations, plan.Operations * 1e-12);
        StepPlan again = StepPlan.Of(config, new StepShape(batch, length) { RecomputesBlocks = true, Accumulate = 3 });
        Assert.Equal(3 * (plan.Forward - parts[ModelPart.Head].Forward), again.Recomputation, 1e-6);
    }

    [Fact]
    public void AttentionGrowsWithTheSquareOfTheLengthAndWindowsDoNot()
    {
        DecoderConfig config = Presets.Tiny(64) with { MaximumLength = 8192 };
        double At(DecoderConfig model, int length) =>
            StepPlan.Of(model, new StepShape(1, length)).Parts.Single(part => part.Part == ModelPart.AttentionScores).Forward / length;
        Assert.InRange(At(config, 4096) / At(config, 1024), 3.9, 4.1);
        DecoderConfig windows = config.WithBlocks(block => block with { Mixer = (Modules.AttentionConfig)block.Mixer with { Window = 128 } });
        Assert.InRange(At(windows, 4096) / At(windows, 1024), 1, 1.1);
    }

    [Fact]
    public void ExpertsTakeWhatIsChosen()
    {
        DecoderConfig config = ParameterCountTests.DeepSeekV3();
        StepPlan plan = StepPlan.Of(config, new StepShape(1, 4096));
        PartOperations experts = plan.Parts.Single(part => part.Part == ModelPart.Experts);
        Assert.Equal(2.0 * 4096 * 58 * 8 * 3 * 7168 * 2048, experts.Forward);
        Assert.Equal(2 * experts.Forward, experts.Backward);
        // No memory was taken for 671 thousand million weights.
        Assert.Equal(4 * 671e9, plan.WeightBytes, 1e9);
        Assert.Equal(2 * plan.WeightBytes, plan.MomentBytes);
    }

    [Theory]
    [InlineData("adamw", 2)]
    [InlineData("lion", 1)]
    [InlineData("sgd", 0)]
    [InlineData("momentum", 1)]
    [InlineData("muon", 2)]
    public void MomentsAreThoseOfTheOptimizer(string name, int blocks)
    {
        StepPlan plan = StepPlan.Of(Presets.Tiny(64), new StepShape(1, 8) { Optimizer = OptimizerOf(name) });
        Assert.Equal(blocks * plan.WeightBytes, plan.MomentBytes);
        Assert.InRange(StepPlan.Of(Presets.Tiny(64), new StepShape(1, 8) { Optimizer = new AdafactorOptions() }).MomentBytes, 1, plan.WeightBytes / 10);
    }

    [Fact]
    public void WrongSizesAreRefused()
    {
        DecoderConfig config = Presets.Tiny(64);
        Assert.Contains("-1", Assert.Throws<ArgumentException>(() => StepPlan.Of(config, new StepShape(-1, 8))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => StepPlan.Of(config, new StepShape(1, 0)));
        Assert.Contains("257", Assert.Throws<ArgumentException>(() => StepPlan.Of(config, new StepShape(1, 257))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => StepPlan.Of(config with { MaximumLength = 1 << 20 }, new StepShape(1 << 16, 1 << 16)));
        Assert.Contains("experts", Assert.Throws<ArgumentException>(() => StepPlan.Of(ParameterCountTests.DeepSeekV3(),
            new StepShape(1, 8) { Optimizer = new AdafactorOptions() })).Message, StringComparison.Ordinal);
    }
}
