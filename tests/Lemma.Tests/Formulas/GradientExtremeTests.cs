using Lemma.Formulas;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Formulas;

/// <summary>Gradients with ±0, denormals, huge numbers and ±∞ among the inputs: a slope of the twin wherever the twin has one.</summary>
/// <remarks>
/// The twin's slopes to the left and to the right are differences in double; a gradient must lie between them. The twin has none where it
/// is infinite or NaN on both sides, where the rounding of its outputs is larger than the slope, and where an eighth of the step gives
/// another one.
/// </remarks>
[Trait("Kernels", "true")]
public class GradientExtremeTests
{
    // Their slopes by scores sum to 0: huge numbers that are all equal leave what rounding leaves of 0·10¹⁵.
    private const string Cancelling =
        "block_sparse_attention adaptive_span multi_scale_window_attention multi_head_attention multi_query_attention "
        + "grouped_query_attention cross_attention multi_head_latent_attention linear_cross_entropy moe";

    public static TheoryData<string> Names =>
        [.. FormulaIndex.All.Where(formula => formula.IsDifferentiable).Select(formula => formula.Name)];

    [Theory, MemberData(nameof(Names))]
    public void AGradientAtAnExtremeIsTheTwins(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        List<string> problems = [];
        foreach (string input in new FormulaExample(formula.Example).Inputs.Keys)
        {
            foreach (float extreme in FormulaExtremeTests.Extremes.Where(extreme => FormulaExtremeTests.IsTried(name, extreme)))
            {
                foreach (bool everywhere in new[] { false, true })
                {
                    if (IsLeftOut(name, input, extreme, everywhere))
                        continue;
                    FormulaExample example = new(formula.Example);
                    float[] data = example.Inputs[input].Data;
                    if (everywhere)
                        Array.Fill(data, extreme);
                    else
                        data[data.Length / 2] = extreme;
                    Compare(formula, example, $"{input} {(everywhere ? "all" : "one")} {extreme:R}", problems);
                }
            }
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    private static bool IsLeftOut(string name, string input, float extreme, bool everywhere) => name switch
    {
        // An infinite weight behind a gate that is full counts 0·∞, as in every product.
        "glu" => float.IsInfinity(extreme),
        // The clamp has the gradient of its edge, so that learning can leave it.
        "binary_cross_entropy" => input == "prediction" && extreme is >= 0 and < 1e-7f,
        // A gate of 0 is no choice, and a gate that grows from 0 would be one.
        "expert_capacity" => extreme == 0,
        _ => everywhere && Math.Abs(extreme) >= 1e15f && Cancelling.Split(' ').Contains(name),
    };

    private static void Compare(Formula formula, FormulaExample example, string what, List<string> problems)
    {
        FormulaCall call = new(formula.Name, example.Inputs, example.Attributes, true);
        try
        {
            formula.Evaluate(call);
        }
        catch (ArgumentException e) when (FormulaIndex.All.Any(one => e.Message.StartsWith(one.Name + ": ", StringComparison.Ordinal)))
        {
            return;
        }
        TwinInput input = new(example);
        Twin twin = TwinList.All[formula.Name];
        double[] center = twin(input);
        List<(string Name, int Place, float Own, double Left, double Right, double Noise)> found = [];
        foreach ((string name, Values gradient) in call.Gradients)
        {
            int stride = Math.Max(1, gradient.Count / 5), middle = gradient.Count / 2;
            foreach (int place in Enumerable.Range(0, gradient.Count).Where(i => i % stride == 0 || i == middle))
            {
                double[] moving = input[name];
                double step = double.IsFinite(moving[place]) ? 1e-5 * Math.Max(Math.Abs(moving[place]), 0.01) : 1;
                (double left, double right, double noise) = Slopes(twin, input, center, moving, place, step / 8);
                (double leftOfMore, double rightOfMore, _) = Slopes(twin, input, center, moving, place, step);
                double change = Math.Max(Math.Abs(left - leftOfMore), Math.Abs(right - rightOfMore));
                if (change <= 1e-3 * (Math.Abs(left) + Math.Abs(right)) + 2 * noise)
                    found.Add((name, place, gradient.Data[place], left, right, noise));
            }
        }
        double largest = found.Select(one => Math.Max(Size(one.Left), Size(one.Right))).DefaultIfEmpty().Max();
        foreach ((string name, int place, float own, double left, double right, double noise) in found)
        {
            double low = Math.Min(left, right), high = Math.Max(left, right), allowed = 1e-4 * largest + 2 * noise + 1e-37;
            if (double.IsNaN(low) || noise > 1e-5 * largest || Math.Max(Math.Abs(low), Math.Abs(high)) > float.MaxValue)
                continue;
            if (!(own >= low - allowed && own <= high + allowed))
                problems.Add($"{what}: gradient of {name}[{place}] is {own:R}, expected {left:R} to {right:R}, {noise:0.0e0}");
        }
    }

    private static double Size(double slope) => double.IsFinite(slope) ? Math.Abs(slope) : 0;

    // To the left and to the right; where one does not exist, the other twice. The noise is what rounding the outputs can add.
    private static (double Left, double Right, double Noise) Slopes(Twin twin, TwinInput input, double[] center, double[] moving, int place,
        double step)
    {
        double old = moving[place], left = 0, right = 0, noise = 0;
        moving[place] = old - step;
        double[] below = twin(input);
        moving[place] = old + step;
        double[] above = twin(input);
        moving[place] = old;
        for (int i = 0; i < center.Length; i++)
        {
            left += (center[i] - below[i]) / step;
            right += (above[i] - center[i]) / step;
            noise += 1e-15 * Math.Abs(center[i]) / step;
        }
        return (double.IsNaN(left) ? right : left, double.IsNaN(right) ? left : right, noise);
    }
}
