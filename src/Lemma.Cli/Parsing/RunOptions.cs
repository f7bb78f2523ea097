using System.CommandLine;
using Lemma.Training;

namespace Lemma.Cli.Parsing;

/// <summary>The options of the training loop, which every recipe has.</summary>
internal sealed class RunOptions
{
    private static readonly AdamWOptions AdamW = new();
    private static readonly AdamOptions Adam = new();
    private static readonly Dictionary<string, Schedule> Schedules = new()
    {
        ["cosine"] = new CosineSchedule(),
        ["linear"] = new LinearSchedule(),
        ["constant"] = new ConstantSchedule(),
        ["inverse-root"] = new InverseRootSchedule(),
        ["stable-decay"] = new StableDecaySchedule(),
    };

    private static readonly string[] Optimizers = ["adamw", "adam", "sgd", "momentum", "lion", "adafactor", "muon"];
    private readonly Option<string?> optimizer = Choice.Text("--optimizer", string.Join('|', Optimizers), "What steps the weights; muon steps the matrices of "
        + "blocks and leaves the rest to AdamW");
    private readonly Option<double?> average = Choice.Number("--average", "Judge and keep a moving average of the weights, of this decay: 0.999",
        least: double.Epsilon, below: 1);
    private readonly Option<int?> accumulate, steps, warmup, evaluateEvery;
    private readonly Option<double?> learningRate;
    private readonly Option<double?> minimumLearningRate = Choice.Number("--minimum-learning-rate",
        "The last learning rate; a tenth of the highest without it");
    private readonly Option<string?> schedule = Choice.Text("--schedule", string.Join('|', Schedules.Keys), "How the learning rate moves after the warm-up");
    private readonly Option<double?> beta1 = Choice.Number("--beta1", "The decay of the first moment of adamw and adam; 0.9 without it", below: 1);
    private readonly Option<double?> beta2 = Choice.Number("--beta2", "The decay of the second moment of adamw and adam; 0.95 and 0.999 without it", below: 1);
    private readonly Option<double?> weightDecay = Choice.Number("--weight-decay", "The weight decay, for matrices; 0.1 without it, 0 for adam and "
        + "muon");
    private readonly Option<double?> clip = Choice.Number("--clip", "The largest norm of the gradient; 0 for no limit",
        fallback: AdamW.Clip);
    private readonly Option<bool> recompute = Choice.Flag("--recompute", "Keep of each block what it gives alone and make the rest again in the backward: "
        + "less memory for a third more time, the same bits");
    private readonly Option<double?> balanceRate = Choice.Number("--balance-rate", "How far the bias for the choice of experts moves a step, for models that "
        + "have it", fallback: 0);
    private readonly Option<int?> patience = Choice.Whole("--patience", "Evaluations without a better score before it stops; 0 for never",
        least: 0, fallback: 0);

    /// <summary>Options whose usual values are those of a recipe.</summary>
    public RunOptions(TrainingOptions defaults)
    {
        accumulate = Choice.Whole("--accumulate", "Passes whose gradients make one step", fallback: defaults.Accumulate);
        steps = Choice.Whole("--steps", "Optimizer steps", fallback: (int)defaults.Steps);
        warmup = Choice.Whole("--warmup", "Steps over which the learning rate rises", least: 0, fallback: (int)defaults.Schedule.Warmup);
        evaluateEvery = Choice.Whole("--eval-every", "Steps between evaluations, each with a checkpoint", fallback: (int)defaults.EvaluateEvery);
        learningRate = Choice.Number("--learning-rate", "The highest learning rate", fallback: defaults.LearningRate);
        string usual = Schedules.First(each => each.Value.GetType() == defaults.Schedule.GetType()).Key;
        schedule.DefaultValueFactory = _ => usual;
        schedule.AcceptOnlyFromAmong([.. Schedules.Keys]);
        optimizer.DefaultValueFactory = _ => "adamw";
        optimizer.AcceptOnlyFromAmong(Optimizers);
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[accumulate, steps, learningRate, minimumLearningRate, warmup, schedule, optimizer, beta1, beta2, weightDecay,
            clip, average, recompute, balanceRate, evaluateEvery, patience])
            command.Add(option);
    }

    /// <summary>Whether the line says how the weights move: then no published rule does.</summary>
    public bool SayRates(ParseResult parsed) =>
        ((Option[])[optimizer, learningRate, minimumLearningRate, schedule, warmup, beta1, beta2, weightDecay]).Any(option => Choice.IsGiven(parsed, option));

    public TrainingOptions Read(ParseResult parsed, ulong seed)
    {
        double highest = parsed.GetValue(learningRate)!.Value, lowest = parsed.GetValue(minimumLearningRate) ?? highest / 10;
        if (lowest > highest)
            throw new UsageException($"--minimum-learning-rate: it must be at most the highest rate, {highest}, but it is {lowest}");
        return new TrainingOptions
        {
            Steps = parsed.GetValue(steps)!.Value,
            Accumulate = parsed.GetValue(accumulate)!.Value,
            LearningRate = highest,
            Schedule = Schedules[parsed.GetValue(schedule)!] with { Warmup = parsed.GetValue(warmup)!.Value, Minimum = highest == 0 ? 0 : lowest / highest },
            Optimizer = ReadOptimizer(parsed),
            AverageDecay = parsed.GetValue(average),
            RecomputesBlocks = parsed.GetValue(recompute),
            BalanceRate = parsed.GetValue(balanceRate)!.Value,
            EvaluateEvery = parsed.GetValue(evaluateEvery)!.Value,
            Patience = parsed.GetValue(patience) is > 0 and int few ? few : null,
            Seed = seed,
        }.Validate();
    }

    private OptimizerOptions ReadOptimizer(ParseResult parsed)
    {
        string name = parsed.GetValue(optimizer)!;
        foreach (Option<double?> beta in (Option<double?>[])[beta1, beta2])
        {
            if (parsed.GetValue(beta) is not null && name is not ("adamw" or "adam"))
                throw new UsageException($"{beta.Name}: it says how adamw and adam act, but the optimizer is {name}");
        }
        float? first = (float?)parsed.GetValue(beta1), second = (float?)parsed.GetValue(beta2);
        OptimizerOptions options = name switch
        {
            "adamw" => new AdamWOptions { Beta1 = first ?? AdamW.Beta1, Beta2 = second ?? AdamW.Beta2 },
            "adam" => new AdamOptions { Beta1 = first ?? Adam.Beta1, Beta2 = second ?? Adam.Beta2 },
            "sgd" => new GradientDescentOptions(),
            "momentum" => new GradientDescentOptions { Momentum = 0.9 },
            "lion" => new LionOptions(),
            "adafactor" => new AdafactorOptions(),
            _ => new MuonOptions(),
        };
        return options with
        {
            WeightDecay = (float?)parsed.GetValue(weightDecay) ?? options.WeightDecay,
            Clip = (float)parsed.GetValue(clip)!.Value,
        };
    }
}
