using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Every gradient of the index against differences of its own forward, five places along each element.</summary>
[Trait("Kernels", "true")]
public class GradientTests
{
    // Inputs that a formula holds constant, or whose rows must keep their sum: those move in pairs.
    private static readonly Dictionary<string, string[]> Constants = new() { ["ppo_value"] = ["returns"] };
    private static readonly string[] Distributions =
        ["entropy", "joint_entropy", "conditional_entropy", "mutual_information", "information_cross_entropy", "jensen_shannon",
            "categorical_cross_entropy", "label_smoothing"];

    public static TheoryData<string> Names => [.. FormulaIndex.All.Where(formula => formula.IsDifferentiable).Select(formula => formula.Name)];

    [Theory, MemberData(nameof(Names))]
    public void AGradientIsTheSlopeOfItsForward(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        FormulaExample example = new(formula.Example);
        int count = formula.Run(example.Inputs, example.Attributes).Count;
        Philox generator = new(5);
        float[] up = [.. Enumerable.Range(0, count).Select(i => (float)generator.Normal((ulong)i))];
        FormulaCall call = new(name, example.Inputs, example.Attributes, true, up);
        formula.Evaluate(call);
        bool pairs = Distributions.Contains(name);
        foreach ((string input, Values gradient) in call.Gradients)
        {
            if (Constants.TryGetValue(name, out string[]? held) && held.Contains(input))
                continue;
            float[] data = example.Inputs[input].Data;
            double largest = Math.Max(1e-6, gradient.Data.Max(value => Math.Abs(value)));
            int width = input == "joint" ? data.Length : example.Inputs[input].Columns;
            for (int i = 0; i < data.Length; i += Math.Max(1, data.Length / 23))
            {
                int partner = pairs ? i / width * width + (i + 1) % width : -1;
                double size = pairs ? 0.1 * Math.Min(data[i], data[partner]) : 0.01 * Math.Max(1, Math.Abs(data[i]));
                double Along(double move)
                {
                    (float old, float other) = (data[i], pairs ? data[partner] : 0);
                    data[i] = (float)(old + move);
                    if (pairs)
                        data[partner] = (float)(other - move);
                    Values y = formula.Run(example.Inputs, example.Attributes);
                    data[i] = old;
                    if (pairs)
                        data[partner] = other;
                    double sum = 0;
                    for (int k = 0; k < up.Length; k++)
                        sum += (double)up[k] * y.Data[k];
                    return sum;
                }
                double expected = gradient.Data[i] - (pairs ? gradient.Data[partner] : 0), slope = 0;
                // A step that crosses a corner (relu, clip, |w|) gives neither side's slope; a smaller one does, with more noise.
                bool agrees = false;
                foreach (double step in new[] { size, size / 10, size / 100 })
                {
                    slope = (8 * (Along(step) - Along(-step)) - (Along(2 * step) - Along(-2 * step))) / (12 * step);
                    double noise = 3e-7 * Math.Abs(Along(0)) / step;
                    agrees |= Math.Abs(slope - expected) <= 3e-3 * largest + Math.Min(noise, 0.05 * largest);
                }
                Assert.True(agrees, $"{input}[{i}]: the gradient is {expected:R}, the slope {slope:R}");
            }
        }
    }
}
