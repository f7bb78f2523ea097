using Lemma.Formulas;
using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Formulas;

/// <summary>Every formula with ±0, denormals, huge numbers, ±∞ and NaN among its inputs: what its twin gives, or an error that names it.</summary>
[Trait("Kernels", "true")]
public class FormulaExtremeTests
{
    internal static readonly float[] Extremes =
    [
        0, -0f, float.Epsilon, -1e-40f, 1e-30f, 1e15f, -1e15f, 1e30f, -1e30f, float.MaxValue, float.MinValue, float.PositiveInfinity,
        float.NegativeInfinity, float.NaN,
    ];

    private const float Ties = 100;

    // Where sums or squares of huge numbers pass float32's range on the way, what comes out is ∞ or NaN, in PyTorch as here.
    private static readonly (float Largest, string Names)[] Ranges =
    [
        (1e15f, "rms_norm layer_norm batch_norm qk_norm pre_norm post_norm adam adamw adafactor moe ffn_glu linear_attention"),
        (1e30f, "linear linear_cross_entropy matrix_multiply einsum glu ffn rope muon l1 block_sparse_attention adaptive_span "
            + "multi_scale_window_attention efficient_attention eigen multi_head_attention multi_query_attention grouped_query_attention "
            + "cross_attention multi_head_latent_attention kv_cache"),
        // Equal scores of 10¹⁵ differ by what rounding does to their biases and turned keys.
        (Ties, "attention dual_chunk_attention"),
    ];

    public static TheoryData<string> Names => [.. FormulaIndex.All.Select(formula => formula.Name)];

    [Theory, MemberData(nameof(Names))]
    public void AnExtremeNumberGivesWhatTheTwinGives(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        List<string> problems = [];
        foreach (string input in new FormulaExample(formula.Example).Inputs.Keys)
        {
            foreach (float extreme in Extremes)
            {
                if (!IsTried(name, extreme))
                    continue;
                foreach (bool everywhere in new[] { false, true })
                {
                    // Vectors of equal eigenvalues or singular values are not determined.
                    if (everywhere && name is "eigen" or "svd")
                        continue;
                    FormulaExample example = new(formula.Example);
                    float[] data = example.Inputs[input].Data;
                    if (everywhere)
                        Array.Fill(data, extreme);
                    else
                        data[data.Length / 2] = extreme;
                    string problem = Compare(formula, example);
                    if (problem.Length > 0)
                        problems.Add($"{input} {(everywhere ? "all" : "one")} {extreme:R}: {problem}");
                }
            }
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    /// <summary>Whether a formula is held to its twin at an extreme number.</summary>
    internal static bool IsTried(string name, float extreme)
    {
        float largest = Ranges.FirstOrDefault(range => range.Names.Split(' ').Contains(name), (Largest: float.MaxValue, Names: "")).Largest;
        if (Math.Abs(extreme) > largest && (float.IsFinite(extreme) || largest is Ties))
            return false;
        return true;
    }

    private static string Compare(Formula formula, FormulaExample example)
    {
        float[] y;
        try
        {
            y = formula.Run(example.Inputs, example.Attributes).Data;
        }
        catch (ArgumentException e) when (FormulaIndex.All.Any(one => e.Message.StartsWith(one.Name + ": ", StringComparison.Ordinal)))
        {
            return "";
        }
        double[] expected = TwinList.All[formula.Name](new TwinInput(example));
        double largest = 1e-30;
        foreach (double value in expected)
            largest = Math.Abs(value) <= float.MaxValue ? Math.Max(largest, Math.Abs(value)) : largest;
        for (int i = 0; i < y.Length; i++)
        {
            float rounded = (float)expected[i];
            bool same = rounded.Equals(y[i]) || Math.Abs(expected[i] - y[i]) <= 1e-5 * largest;
            if (!same && formula.Name != "arithmetic_code")
                return $"element {i} is {y[i]:R}, expected {expected[i]:R}";
        }
        return "";
    }
}
