using System.CommandLine;
using Lemma.Training;

namespace Lemma.Cli.Parsing;

/// <summary>The options of the training loop.</summary>
internal sealed class RunOptions
{
    private static readonly TrainingOptions Defaults = new();
    private readonly Option<int?> batch = Choice.Whole("--batch", "Windows of one pass", fallback: Defaults.Batch);
    private readonly Option<int?> accumulate = Choice.Whole("--accumulate", "Passes whose gradients make one step",
        fallback: Defaults.Accumulate);
    private readonly Option<int?> steps = Choice.Whole("--steps", "Optimizer steps", fallback: (int)Defaults.Steps);
    private readonly Option<double?> learningRate = Choice.Number("--learning-rate", "The highest learning rate",
        fallback: Defaults.LearningRate);
    private readonly Option<double?> minimumLearningRate = Choice.Number("--minimum-learning-rate",
        "The last learning rate; a tenth of the highest without it");
    private readonly Option<int?> warmup = Choice.Whole("--warmup", "Steps over which the learning rate rises", least: 0,
        fallback: (int)Defaults.Warmup);
    private readonly Option<double?> beta1 = Choice.Number("--beta1", "AdamW's decay of the first moment", below: 1,
        fallback: Defaults.Beta1);
    private readonly Option<double?> beta2 = Choice.Number("--beta2", "AdamW's decay of the second moment", below: 1,
        fallback: Defaults.Beta2);
    private readonly Option<double?> weightDecay = Choice.Number("--weight-decay", "AdamW's weight decay, for matrices",
        fallback: Defaults.WeightDecay);
    private readonly Option<double?> clip = Choice.Number("--clip", "The largest norm of the gradient; 0 for no limit",
        fallback: Defaults.Clip);
    private readonly Option<double?> balanceRate = Choice.Number("--balance-rate", "How far the bias for the choice of experts moves a step, for models that "
        + "have it", fallback: Defaults.BalanceRate);
    private readonly Option<int?> evaluateEvery = Choice.Whole("--eval-every", "Steps between evaluations, each with a checkpoint",
        fallback: (int)Defaults.EvaluateEvery);
    private readonly Option<int?> evaluationBatches = Choice.Whole("--eval-batches", "The most batches of an evaluation; 0 for all "
        + "validation data", least: 0, fallback: Defaults.EvaluationBatches);
    private readonly Option<int?> patience = Choice.Whole("--patience", "Evaluations without a better loss before it stops; 0 for never",
        least: 0, fallback: 0);

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[batch, accumulate, steps, learningRate, minimumLearningRate, warmup, beta1, beta2, weightDecay,
            clip, balanceRate, evaluateEvery, evaluationBatches, patience])
            command.Add(option);
    }

    public TrainingOptions Read(ParseResult parsed, int length, ulong seed)
    {
        double highest = parsed.GetValue(learningRate)!.Value;
        return new TrainingOptions
        {
            Steps = parsed.GetValue(steps)!.Value,
            Batch = parsed.GetValue(batch)!.Value,
            Accumulate = parsed.GetValue(accumulate)!.Value,
            Length = length,
            LearningRate = highest,
            MinimumLearningRate = parsed.GetValue(minimumLearningRate) ?? highest / 10,
            Warmup = parsed.GetValue(warmup)!.Value,
            Beta1 = parsed.GetValue(beta1)!.Value,
            Beta2 = parsed.GetValue(beta2)!.Value,
            WeightDecay = parsed.GetValue(weightDecay)!.Value,
            Clip = parsed.GetValue(clip)!.Value,
            BalanceRate = parsed.GetValue(balanceRate)!.Value,
            EvaluateEvery = parsed.GetValue(evaluateEvery)!.Value,
            EvaluationBatches = parsed.GetValue(evaluationBatches) is > 0 and int some ? some : null,
            Patience = parsed.GetValue(patience) is > 0 and int few ? few : null,
            Seed = seed,
        }.Validate();
    }
}
