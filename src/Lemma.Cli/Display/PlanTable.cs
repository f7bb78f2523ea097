using System.Globalization;
using Lemma.Training;

namespace Lemma.Cli.Display;

/// <summary>The plan of a run as a table.</summary>
internal static class PlanTable
{
    public static void Write(TrainingPlan plan, MachineUse use) => ResultTable.Write("The plan; nothing is written.",
    [
        ("parameters", Amount.Count(plan.Parameters)),
        ("of them learn", Amount.Count(plan.Trained)),
        ("tokens of a step", Amount.Count(plan.TokensOfStep)),
        ("tokens in all", $"{Amount.Count(plan.Tokens)} in {Amount.Count(plan.Steps)} steps, "
            + string.Create(CultureInfo.InvariantCulture, $"{plan.Epochs:0.00} times the data")),
        ("memory: weights", Amount.Bytes(plan.WeightBytes)),
        ("gradients", Amount.Bytes(plan.GradientBytes)),
        ("moments", Amount.Bytes(plan.MomentBytes)),
        .. plan.AverageBytes > 0 ? [("average of the weights", Amount.Bytes(plan.AverageBytes))] : Array.Empty<(string, string)>(),
        ("activations", Amount.Bytes(plan.ActivationBytes)),
        ("together", Amount.Bytes(plan.Bytes)),
        ("process now", Amount.Bytes(Environment.WorkingSet)),
        ("speed", $"{Amount.Count(plan.TokensPerSecond)} tokens/s, {Amount.Percent(use.Share(plan.TokensPerSecond))} of the processor's peak"),
        ("time", $"{Amount.Time(plan.Time)}: {Milliseconds(plan.TimeOfStep)} a step, {Amount.Count(plan.Evaluations)} evaluations of "
            + Milliseconds(plan.TimeOfEvaluation)),
    ]);

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms");
}
