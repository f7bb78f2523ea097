using System.CommandLine;
using Lemma.Training;

namespace Lemma.Cli.Parsing;

/// <summary>The options of the training loop, which every recipe has.</summary>
internal sealed class RunOptions
{
    private static readonly TrainingOptions Defaults = new();
    private static readonly AdamWOptions AdamW = new();
    private static readonly Dictionary<string, Schedule> Schedules = new()
    {
        ["cosine"] = new CosineSchedule(),
        ["linear"] = new LinearSchedule(),
        ["constant"] = new ConstantSchedule(),
        ["inverse-root"] = new InverseRootSchedule(),
        ["stable-decay"] = new StableDecaySchedule(),
    };

    private readonly Option<int?> accumulate = Choice.Whole("--accumulate", "Passes whose gradients make one step",
        fallback: Defaults.Accumulate);
    private readonly Option<int?> steps = Choice.Whole("--steps", "Optimizer steps", fallback: (int)Defaults.Steps);
    private readonly Option<double?> learningRate = Choice.Number("--learning-rate", "The highest learning rate",
        fallback: Defaults.LearningRate);
    private readonly Option<double?> minimumLearningRate = Choice.Number("--minimum-learning-rate",
        "The last learning rate; a tenth of the highest without it");
    private readonly Option<int?> warmup = Choice.Whole("--warmup", "Steps over which the learning rate rises", least: 0,
        fallback: (int)Defaults.Schedule.Warmup);
    private readonly Option<string?> schedule = Choice.Text("--schedule", string.Join('|', Schedules.Keys), "How the learning rate moves after the warm-up");
    private readonly Option<double?> beta1 = Choice.Number("--beta1", "AdamW's decay of the first moment", below: 1,
        fallback: AdamW.Beta1);
    private readonly Option<double?> beta2 = Choice.Number("--beta2", "AdamW's decay of the second moment", below: 1,
        fallback: AdamW.Beta2);
    private readonly Option<double?> weightDecay = Choice.Number("--weight-decay", "The weight decay, for matrices",
        fallback: AdamW.WeightDecay);
    private readonly Option<double?> clip = Choice.Number("--clip", "The largest norm of the gradient; 0 for no limit",
        fallback: AdamW.Clip);
    private readonly Option<int?> evaluateEvery = Choice.Whole("--eval-every", "Steps between evaluations, each with a checkpoint",
        fallback: (int)Defaults.EvaluateEvery);
    private readonly Option<int?> patience = Choice.Whole("--patience", "Evaluations without a better score before it stops; 0 for never",
        least: 0, fallback: 0);

    public RunOptions()
    {
        schedule.DefaultValueFactory = _ => "cosine";
        schedule.AcceptOnlyFromAmong([.. Schedules.Keys]);
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[accumulate, steps, learningRate, minimumLearningRate, warmup, schedule, beta1, beta2, weightDecay,
            clip, evaluateEvery, patience])
            command.Add(option);
    }

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
            Optimizer = new AdamWOptions
            {
                Beta1 = (float)parsed.GetValue(beta1)!.Value,
                Beta2 = (float)parsed.GetValue(beta2)!.Value,
                WeightDecay = (float)parsed.GetValue(weightDecay)!.Value,
                Clip = (float)parsed.GetValue(clip)!.Value,
            },
            EvaluateEvery = parsed.GetValue(evaluateEvery)!.Value,
            Patience = parsed.GetValue(patience) is > 0 and int few ? few : null,
            Seed = seed,
        }.Validate();
    }
}
