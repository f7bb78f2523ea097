using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>The three lines that a plan begins with: does it fit, how long, how good and what to change.</summary>
internal static class PlanAnswers
{
    // A loss that is so little above the best of the same operations is as good.
    private const double Negligible = 0.01;

    public static string[] Of(Plan plan) => [$"fits:   {Fits(plan)}", $"takes:  {Takes(plan)}", $"gives:  {Gives(plan)}; {Change(plan)}"];

    private static string Fits(Plan plan)
    {
        long[] bytes = [.. plan.Training.Select(row => row.Bytes).Concat(plan.Serving.Select(row => row.Bytes))];
        if (bytes.Length == 0)
            return $"no model was given; there are {Amount.Bytes(plan.Memory)} of memory";
        int fitting = bytes.Count(one => one <= plan.Memory);
        string range = bytes.Length == 1 ? Amount.Bytes(bytes[0]) : $"{Amount.Bytes(bytes.Min())} to {Amount.Bytes(bytes.Max())}";
        string verdict = fitting == bytes.Length ? "yes" : fitting == 0 ? "no" : $"{fitting} of {bytes.Length}";
        return $"{verdict}: {range} of {Amount.Bytes(plan.Memory)} of memory";
    }

    private static string Takes(Plan plan)
    {
        if (plan.Training.Count == 0 && plan.Serving.Count == 0)
            return plan.Compute is { } compute ? $"{Number(compute)} operations" : "nothing is trained";
        if (plan.Training.Count > 0 && plan.Precision != TrainingPrecision.Float32)
            return OnAnotherMachine(plan);
        if (!plan.IsMeasured)
            return "not known: lemma plan --calibrate measures this machine, a minute or two";
        if (plan.Training.Where(row => row.Seconds is not null).MaxBy(row => row.TokensPerSecond) is { Seconds: { } step } best)
        {
            string speed = $"{Amount.Count(best.TokensPerSecond!.Value)} tokens/s ({Milliseconds(step)} a step)";
            return plan.Tokens is { } tokens ? $"{Time(tokens / best.TokensPerSecond.Value)} for {Short(tokens)} tokens, {speed}" : speed;
        }
        if (plan.Serving.Where(row => row.Seconds is not null).MaxBy(row => row.TokensPerSecond) is { Seconds: { } token } served)
            return string.Create(CultureInfo.InvariantCulture, $"{served.TokensPerSecond:0.0} tokens/s for {served.Users} together, ")
                + $"{Milliseconds(token)} a token each";
        return "not known for this optimizer or kind of model";
    }

    // Of a precision that Lemma does not train in.
    private static string OnAnotherMachine(Plan plan)
    {
        StepPlan step = plan.Training[0].Step;
        string work = plan.Tokens is { } tokens ? $"{Number(tokens / step.Shape.Tokens * step.Operations)} operations for {Short(tokens)} tokens"
            : $"{Number(step.Operations)} operations a step";
        return $"{work}, on another machine: Lemma trains in float32, and this plan is of {plan.Precision.Name}";
    }

    private static string Gives(Plan plan)
    {
        if (plan.Loss is { } loss)
            return $"a loss of about {Amount.Loss(loss)} nats by {plan.RuleName}";
        return plan.Compute is { } compute && plan.Model is null ? $"a loss of about {Amount.Loss(plan.Rule.Optimum(compute).Loss)} nats at best by {plan.RuleName}"
            : plan is { Model: not null, Decoder: null } ? "a loss that no law tells: laws are of decoders"
            : plan.Tokens is null && plan.Serving.Count > 0 && plan.Training.Count == 0 ? "what the model gives" : "a loss that --train TOKENS or --budget tells";
    }

    private static string Change(Plan plan)
    {
        if (plan.Training.Count > 0 && plan.Training.All(row => row.Bytes > plan.Memory))
        {
            TrainingRow least = plan.Training.MinBy(row => row.Bytes)!;
            if (least.Bytes - least.Memory.Activations > plan.Memory)
                return least.Step.Shape.Adapter is null ? "change: a smaller model, or an adapter (--lora)" : "change: a smaller model";
            return Smaller(plan, least.Step.Shape);
        }
        if (plan.Serving.Count > 0 && plan.Serving.All(row => row.Bytes > plan.Memory))
        {
            ServingRow least = plan.Serving.MinBy(row => row.Bytes)!;
            double room = plan.Memory - least.WeightBytes - least.Pass.Bytes;
            return room <= 0 ? "change: a smaller model" : $"change: at most {Amount.Count(Math.Floor(room / (least.CacheBytes / (double)least.Users)))} users of "
                + $"{Amount.Count(least.Context)} tokens fit";
        }
        if (plan is not { Size: { } size, Tokens: { } tokens, Loss: { } loss })
            return plan.Compute is { } compute && plan.Model is null ? Best("build:", plan.Rule.Optimum(compute)) : "nothing to change";
        ScalingOptimum optimum = plan.Rule.Optimum(6 * size * tokens);
        return loss - optimum.Loss < Negligible ? "nothing to change: near the best for its operations"
            : Best(optimum.Parameters < size ? "change: too large for its tokens," : "change: too small for its tokens,", optimum);
    }

    // The same step in more passes, of blocks that are made again: as large a pass as fits.
    private static string Smaller(Plan plan, StepShape shape)
    {
        for (int parts = 1; parts <= shape.Batch; parts *= 2)
        {
            StepShape smaller = shape with { Batch = shape.Batch / parts, Accumulate = shape.Accumulate * parts, RecomputesBlocks = true };
            long bytes = StepPlan.Of(plan.Model!.Config, smaller).MemoryIn(plan.Precision).Total;
            if (bytes <= plan.Memory)
            {
                return $"change: --recompute{(parts == 1 ? "" : $" --batch {smaller.Batch} --accumulate {smaller.Accumulate}")} --length {shape.Length} fits, "
                    + Amount.Bytes(bytes);
            }
        }
        return "change: a shorter --length, or a smaller model";
    }

    private static string Best(string what, ScalingOptimum best) =>
        $"{what} {Short(best.Parameters)} parameters and {Short(best.Tokens)} tokens are best, {Amount.Loss(best.Loss)}";

    /// <summary>A time of days, hours or less.</summary>
    public static string Time(double seconds) => seconds switch
    {
        >= 100 * 86400.0 => $"{Amount.Count(seconds / 86400)} days",
        >= 2 * 86400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86400:0.0} days"),
        _ => Amount.Time(TimeSpan.FromSeconds(seconds)),
    };

    /// <summary>As in 14.2M or 3.1B.</summary>
    public static string Short(double value) => value switch
    {
        >= 1e12 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e12:G3}T"),
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e9:G3}B"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:G3}M"),
        _ => Amount.Count(value),
    };

    /// <summary>As in 1.3e+18.</summary>
    public static string Number(double value) => value.ToString("0.##e+0", CultureInfo.InvariantCulture);

    /// <summary>Milliseconds with their interval.</summary>
    public static string Milliseconds(Interval seconds) => string.Create(CultureInfo.InvariantCulture,
        $"{seconds.Value * 1e3:0.#}, {seconds.Least * 1e3:0.#} to {seconds.Most * 1e3:0.#} ms");
}
