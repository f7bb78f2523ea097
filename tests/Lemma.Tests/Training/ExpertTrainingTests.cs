using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;
using Lemma.Tests.Oracles;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>Training with experts: the balance loss beside transformers, both ways to even loads, and their bits.</summary>
public class ExpertTrainingTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 400).Select(i => i * i * 37 % 61)];

    public static TheoryData<string> Families => ["mixtral", "qwen2-moe", "qwen3-moe"];

    [Theory, MemberData(nameof(Families))]
    public void LossesAreThoseOfTransformers(string name)
    {
        JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(Golden("balance.json"))).RootElement.EnumerateArray()
            .Single(item => item.GetProperty("name").GetString() == name);
        double[] losses = Numbers("losses"), balance = Numbers("balance_losses");
        using TemporaryFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(Golden("checkpoints", name)))
            File.Copy(file, folder[Path.GetFileName(file)]);
        string config = File.ReadAllText(folder["config.json"]);
        File.WriteAllText(folder["config.json"], config.Replace("\"output_router_logits\": false", "\"output_router_logits\": true", StringComparison.Ordinal)
            .Replace("\"router_aux_loss_coef\": 0.001", "\"router_aux_loss_coef\": 0.05", StringComparison.Ordinal));
        using ReferenceCheckpoint reference = ReferenceCheckpoint.Open(folder[""]);
        Decoder model = (Decoder)reference.Model;
        Assert.All(model.Config.Experts, experts => Assert.Equal(0.05f, experts.BalanceWeight));
        ModelFolder.Write(folder["copy"], model);
        using (Decoder copy = ModelFolder.ReadDecoder(folder["copy"]))
            Assert.Equal(model.Config, copy.Config);

        // Judged without recording, a loss is that of the tokens.
        reference.Tape.Recording = false;
        double tokens = reference.Expected.GetProperty("training").GetProperty("losses")[0].GetDouble();
        Assert.Equal(tokens, Loss(), 1e-5);
        reference.Tape.Recording = true;
        AdamWOptimizer optimizer = new(model.Parameters, reference.Workers,
            new AdamWOptions { Beta1 = 0.9f, Beta2 = 0.95f, Epsilon = 1e-8f, WeightDecay = 0.1f, DecayAll = true, Clip = 0 });
        for (int step = 0; step < losses.Length; step++)
        {
            LossPart loss = reference.Loss();
            double given = loss.Mean(reference.Tape);
            Assert.Equal(losses[step], given, (step == 0 ? 1e-5 : 2e-4 * losses[step]));
            if (step == 0)
                Assert.Equal(balance[0], (given - tokens) / 0.05, 1e-4);
            reference.Tape.Backward(loss);
            reference.Tape.Rewind();
            double norm = optimizer.Step(0.01f);
            if (step == 0)
                Assert.Equal(1, norm / expected.GetProperty("first_gradient_norm").GetDouble(), 2e-4);
        }

        double[] Numbers(string field) => [.. expected.GetProperty(field).EnumerateArray().Select(value => value.GetDouble())];

        double Loss()
        {
            double loss = reference.Loss().Mean(reference.Tape);
            reference.Tape.Rewind();
            return loss;
        }
    }

    [Fact]
    public void GradientsOfTheWholeModelAreThoseOfDifferences()
    {
        using Decoder model = Model(new ExpertRouting { Experts = 4, Chosen = 2, NormalizesChosen = true }, experts => experts with { BalanceWeight = 2 });
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        model.Parameters.AllocateTrainingState();
        ExpertLoads loads = new(model.Config);
        Rows rows = new(Ids.AsMemory(0, 30), new[] { 19, 11 });
        (double Loss, long[] Loads) Measure()
        {
            loads.Clear();
            double loss = model.Balanced(tape, model.Loss(tape, rows, Ids.AsMemory(1, 30))).Mean(tape);
            loads.Add(tape);
            tape.Rewind();
            return (loss, [.. loads[0].ToArray(), .. loads[1].ToArray()]);
        }
        tape.Backward(model.Balanced(tape, model.Loss(tape, rows, Ids.AsMemory(1, 30))));
        tape.Rewind();
        long[] chosen = Measure().Loads;
        Assert.Equal([30 * 2, 30 * 2], new[] { chosen[..4].Sum(), chosen[4..].Sum() });
        DirectionalDifferences.CheckBlocks(model, step: 1e-3, tolerance: 4e-3, () =>
        {
            // A choice that changes is a jump, which no gradient knows.
            (double loss, long[] now) = Measure();
            Assert.Equal(chosen, now);
            return loss;
        });
    }

    [Fact]
    public void LoadsBecomeEvenByEitherMeansAndNotWithout()
    {
        double without = LargestAfterTraining(new ExpertRouting { Experts = 4, Chosen = 1 }, experts => experts, 0);
        double loss = LargestAfterTraining(new ExpertRouting { Experts = 4, Chosen = 1 }, experts => experts with { BalanceWeight = 0.1f }, 0);
        ExpertRouting sigmoid = new() { Experts = 4, Chosen = 1, Score = RouterScore.Sigmoid };
        double still = LargestAfterTraining(sigmoid, experts => experts with { ChoiceBias = true }, 0);
        double stepped = LargestAfterTraining(sigmoid, experts => experts with { ChoiceBias = true }, 0.01);
        Assert.True(without > 2 && still > 2 && loss < 1.5 && stepped < 1.5,
            $"the largest load over the mean is {without:0.00}, with the loss {loss:0.00}; of sigmoid scores {still:0.00}, with steps of the bias {stepped:0.00}");
    }

    public static TheoryData<string> Runs => ["mixtral", "deepseek-v3"];

    [Theory, MemberData(nameof(Runs))]
    public void ThreadsAndInterruptionsDoNotChangeAByte(string name)
    {
        using TemporaryFolder folder = new();
        DecoderConfig config = ConfigOf(name);
        TrainingOptions options = new()
        {
            Steps = 12,
            Accumulate = 2,
            Schedule = new CosineSchedule { Warmup = 2 },
            EvaluateEvery = 4,
            BalanceRate = name == "mixtral" ? 0 : 0.01,
        };
        PretrainingOptions reading = new() { Batch = 3, Length = 12, EvaluationBatches = 1 };
        List<TrainingProgress> seen = Run(folder["whole"], config, options, reading, 1);
        Assert.All(seen, progress => Assert.True(progress.Metrics is [("largest_expert_load", >= 1), ("router_entropy", > 0)], $"{progress.Metrics[0]}"));
        Run(folder["threads"], config, options, reading, 3);
        Run(folder["parts"], config, options, reading, 2, stopAfter: 6);
        Run(folder["parts"], config, options, reading, 2, resume: true);
        string[] files = [.. Files(folder["whole"])];
        Assert.Contains(Path.Combine("last", "training_state.safetensors"), files);
        foreach (string other in (string[])["threads", "parts"])
        {
            Assert.Equal(files, Files(folder[other]));
            foreach (string file in files)
                Assert.True(File.ReadAllBytes(Path.Combine(folder["whole"], file)).SequenceEqual(File.ReadAllBytes(Path.Combine(folder[other], file))),
                    $"{other}: {file} differs");
        }
        using Decoder last = ModelFolder.ReadDecoder(folder["whole/last"]);
        Assert.Equal(config.Experts.First().BalanceWeight, last.Config.Experts.First().BalanceWeight);
        Parameter[] biases = [.. last.Parameters.All.Where(parameter => parameter.Name.EndsWith("choice_bias", StringComparison.Ordinal))];
        Assert.Equal(name == "mixtral" ? 0 : last.Config.Experts.Count(), biases.Length);
        // Twelve steps of ±0.01.
        Assert.All(biases, bias => Assert.InRange(last.Parameters.Weights(bias).ToArray().Max(Math.Abs), 0.01f, 0.121f));
    }

    public static TheoryData<string> Recipes => ["sft", "preferences", "reward", "feedback", "policy", "ppo", "distillation"];

    // Whatever a decoder learns its loss has the balance loss of its experts, their bias steps, and metrics say how they are used.
    [Theory, MemberData(nameof(Recipes))]
    public void EveryRecipeBalancesExperts(string name)
    {
        ExpertRouting softmax = new() { Experts = 4, Chosen = 2, NormalizesChosen = true };
        (double plain, _) = FirstStep(softmax, 0, 0);
        (double balanced, IReadOnlyList<Metric> metrics) = FirstStep(softmax, 0.5f, 0);
        // α·k of even loads, and no more than α·E.
        Assert.InRange(balanced - plain, 0.95, 2.01);
        Assert.InRange(metrics.Single(metric => metric.Name == "largest_expert_load").Value, 1, 4);
        Assert.InRange(metrics.Single(metric => metric.Name == "router_entropy").Value, 0.5, Math.Log(4));
        FirstStep(softmax with { Score = RouterScore.Sigmoid }, 0, 0.25);

        (double Loss, IReadOnlyList<Metric> Metrics) FirstStep(ExpertRouting routing, float weight, double rate)
        {
            using Decoder model = LetterModel(routing, weight, rate > 0), other = LetterModel(routing, 0, false), judge = model.WithScores(1);
            using Workers workers = new(2);
            TokenExample[] examples = [.. LetterTask.Prompts[..16].Select(prompt => new TokenExample(
                (int[])[.. prompt.Ids.ToArray(), .. prompt.Ids.ToArray()], new[] { false, false, true, true }))];
            TokenPair[] pairs = [.. examples.Zip(examples[1..]).Select(pair => new TokenPair(pair.First, pair.Second))];
            Decoder trained = name == "reward" ? judge : model;
            Recipe recipe = name switch
            {
                "sft" => new SupervisedTuning(model, examples, examples, new()),
                "preferences" => new PreferenceTuning(model, new(pairs, ReferenceLogs.Compute(model, pairs, workers)),
                    new(pairs, ReferenceLogs.Compute(model, pairs, workers)), new() { Loss = new DirectPreferenceLoss() }),
                "reward" => new RewardModeling(judge, pairs, pairs, new()),
                "feedback" => new FeedbackTuning(model, Feedback(), Feedback(), new()),
                "policy" => new PolicyOptimization(model, LetterTask.Prompts, LetterTask.Prompts, LetterTask.Reward, LetterTask.Tokenizer, workers,
                    new() { Loss = new TokenPolicyLoss(), LongestAnswer = 4 }),
                "ppo" => new ProximalPolicyOptimization(model, judge, LetterTask.Prompts, LetterTask.Prompts, LetterTask.Reward, LetterTask.Tokenizer, workers,
                    new() { LongestAnswer = 4, Penalty = new() }),
                _ => new Distillation(model, other, examples, examples, workers, new()),
            };
            (double, IReadOnlyList<Metric>) first = (double.NaN, []);
            new TrainingLoop(recipe, new TrainingOptions { Steps = 1, EvaluateEvery = 1, BalanceRate = rate }, workers)
                .Train(progress: new Recorder(seen => first = (seen.Loss, seen.Metrics)));
            (recipe as IDisposable)?.Dispose();
            Parameter[] biases = [.. trained.Parameters.All.Where(parameter => parameter.Name.EndsWith("choice_bias", StringComparison.Ordinal))];
            Assert.Equal(rate > 0 ? 2 : 0, biases.Length);
            Assert.All(biases, bias => Assert.Equal((float)rate, trained.Parameters.Weights(bias).ToArray().Max(Math.Abs)));
            return first;

            FeedbackSet Feedback() => FeedbackSet.Compute(model, [.. examples.Select((example, i) => new TokenFeedback(example, i % 2 == 0))], workers);
        }
    }

    private static Decoder LetterModel(ExpertRouting routing, float weight, bool hasBias)
    {
        using Decoder plain = LetterTask.Policy();
        Decoder model = new(plain.Config.WithBlocks(block => block with
        {
            FeedForward = new ExpertsFeedForward(24, routing) { BalanceWeight = weight, ChoiceBias = hasBias },
        }));
        model.Initialize(3);
        return model;
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        ExpertRouting routing = new() { Experts = 4, Chosen = 2 };
        ExpertsFeedForward experts = new(16, routing);
        DecoderConfig config = Presets.Llama(61, width: 16, layers: 2, heads: 2, hidden: 32, length: 64).WithBlocks(block => block with { FeedForward = experts });
        Named("the weight of the balance loss must be at least 0 and finite, but it is -1", () => (experts with { BalanceWeight = -1 }).Validate());
        Named("a balance loss needs scores by softmax, not by Sigmoid",
            () => (experts with { BalanceWeight = 1, Routing = routing with { Score = RouterScore.Sigmoid } }).Validate());
        Named("layers with a balance loss have one weight", () => (config with
        {
            Stack = config.Stack with
            {
                Blocks = [config.Stack.Blocks[0] with { FeedForward = experts with { BalanceWeight = 1 } }, config.Stack.Blocks[1]],
            },
        }).Validate());
        EncoderConfig encoder = new()
        {
            MaximumLength = 64,
            Stack = config.WithBlocks(block => block with { FeedForward = experts with { BalanceWeight = 1 } }).Stack,
        };
        Named("only a decoder's loss has the balance loss", () => encoder.Validate());
        using Decoder model = new(config);
        using Workers workers = new(1);
        using Tape tape = new(workers, model.Parameters);
        ExpertLoads loads = new(config.WithLayers(3));
        model.Loss(tape, Rows.One(Ids.AsMemory(0, 4)), Ids.AsMemory(1, 4));
        Named("2 layers of experts ran, which are no passes of a decoder with 3", () => loads.Add(tape));
        Named("these are of 3 blocks with 3 layers of experts, not those of this decoder", () => model.StepChoiceBiases(loads, 0.1));
        Named("needs a decoder whose experts have a bias for the choice",
            () => Run(null, config, new TrainingOptions { BalanceRate = 0.1 }, new PretrainingOptions { Length = 8 }, 1));
        Named("the rate of the experts' bias must not be negative, but it is -1", () => new TrainingOptions { BalanceRate = -1 }.Validate());
        Assert.Equal(0, new ExpertLoads(config).LargestOverMean);
    }

    // The mean of the last steps of training a model whose router begins with a liking for its first expert.
    private static double LargestAfterTraining(ExpertRouting routing, Func<ExpertsFeedForward, ExpertsFeedForward> change, double rate)
    {
        const int Steps = 150, Counted = 20;
        using Decoder model = Model(routing, change);
        foreach (Parameter parameter in model.Parameters.All)
        {
            Span<float> weights = model.Parameters.Weights(parameter);
            if (parameter.Name.EndsWith("router.weight", StringComparison.Ordinal))
                weights[0] += 1;
            for (int i = 0; parameter.Name == "embedding.weight" && i < weights.Length; i += 16)
                weights[i] += 1;
        }
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions());
        ExpertLoads loads = new(model.Config);
        double sum = 0;
        for (int step = 0; step < Steps; step++)
        {
            loads.Clear();
            int first = step % 7 * 40;
            LossPart loss = model.Balanced(tape, model.Loss(tape, Rows.Windows(Ids.AsMemory(first, 120), 3), Ids.AsMemory(first + 1, 120)));
            loads.Add(tape);
            tape.Backward(loss);
            tape.Rewind();
            optimizer.Step(3e-3f);
            if (rate > 0)
                model.StepChoiceBiases(loads, rate);
            sum += step >= Steps - Counted ? loads.LargestOverMean : 0;
        }
        return sum / Counted;
    }

    private static Decoder Model(ExpertRouting routing, Func<ExpertsFeedForward, ExpertsFeedForward> change)
    {
        Decoder model = new(Presets.Llama(61, width: 16, layers: 2, heads: 2, hidden: 32, length: 128).WithBlocks(block =>
            block with { FeedForward = change(new ExpertsFeedForward(24, routing)) }));
        model.Initialize(3);
        return model;
    }

    private static DecoderConfig ConfigOf(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", name));
        return model.Config.WithBlocks(block => name == "mixtral" ? block with { FeedForward = (ExpertsFeedForward)block.FeedForward with { BalanceWeight = 0.02f } }
            : block);
    }

    private static List<TrainingProgress> Run(string? folder, DecoderConfig config, TrainingOptions options, PretrainingOptions reading, int threads, int stopAfter = int.MaxValue,
        bool resume = false)
    {
        (TokenDataset training, TokenDataset validation) = new TokenDataset(Ids.Concat(Ids).ToArray()).Split(0.2);
        using Workers workers = new(threads);
        using Decoder model = resume ? ModelFolder.ReadDecoder(Path.Combine(folder!, "last")) : new Decoder(config);
        if (!resume)
            model.Initialize(options.Seed);
        using CancellationTokenSource source = new();
        Recorder recorder = new(progress =>
        {
            if (progress.Step >= stopAfter)
                source.Cancel();
        });
        new TrainingLoop(new Pretraining(model, training, validation, reading), options, workers) { Folder = folder }.Train(resume, recorder, source.Token);
        return recorder.Seen;
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(folder, file)).Where(file => file != "timings.jsonl").Order(StringComparer.Ordinal);

    private static void Named(string part, Action action) => Assert.Contains(part, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);

    private static string Golden(params string[] names) => Path.Combine([AppContext.BaseDirectory, "Golden", .. names]);

    private sealed class Recorder(Action<TrainingProgress> then) : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> Seen { get; } = [];

        public void Report(TrainingProgress value)
        {
            Seen.Add(value);
            then(value);
        }
    }
}
