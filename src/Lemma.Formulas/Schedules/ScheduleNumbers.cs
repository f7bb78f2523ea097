namespace Lemma.Formulas;

/// <summary>The lengths of a schedule of the learning rate, in steps.</summary>
/// <param name="Steps">T.</param>
/// <param name="Warmup">w: the rate rises to its peak in a line.</param>
/// <param name="Decay">D: the last steps, over which it falls.</param>
/// <param name="Minimum">What is left at the end, as a share of the peak.</param>
public readonly record struct ScheduleNumbers(double Steps, double Warmup, double Decay, double Minimum)
{
    /// <summary>How much of the way from the warmup's end to the last step is done, 0 to 1.</summary>
    public double Progress(double step) => Math.Clamp((step - Warmup) / Math.Max(1, Steps - Warmup), 0, 1);

    /// <summary>The rate at each step that is asked for.</summary>
    internal static Values Evaluate(FormulaCall call, string formula, Func<ScheduleNumbers, double, double> share)
    {
        double total = call.Number("total_steps", 1000), warmup = call.Number("warmup", 0);
        double decay = call.Number("decay", Math.Max(1, total / 10)), minimum = call.Number("minimum", 0);
        ScheduleNumbers numbers = new(total, warmup, decay, minimum);
        Check.That(total >= 1 && warmup >= 0 && warmup <= total && decay >= 1 && decay <= total && minimum is >= 0 and <= 1, formula,
            $"warmup {warmup} and decay {decay} must lie within {total} steps, and the minimum {minimum} in [0, 1]");
        double rate = call.Number("learning_rate", 1);
        Values steps = call["step"], y = steps.Like();
        for (int i = 0; i < y.Count; i++)
        {
            double step = steps.Data[i];
            Check.That(step >= 0, formula, $"steps must not be negative, but element {i} is {step}");
            y.Data[i] = (float)(rate * share(numbers, step));
        }
        return y;
    }
}
