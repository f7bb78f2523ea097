using System.Globalization;
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
        (1e15f, "adam adamw adafactor moe ffn_glu linear_attention"),
        (1e30f, "linear dora linear_cross_entropy matrix_multiply einsum glu ffn rope muon l1 "
            + "rms_norm layer_norm batch_norm qk_norm pre_norm post_norm "
            + "block_sparse_attention adaptive_span "
            + "multi_scale_window_attention efficient_attention eigen short_convolution multi_head_attention multi_query_attention grouped_query_attention "
            + "cross_attention multi_head_latent_attention kv_cache"),
        // Equal scores of 10¹⁵ differ by what rounding does to their biases and turned keys.
        (Ties, "attention dual_chunk_attention"),
        // A state that keeps growing.
        (Ties, "gated_delta_rule"),
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

    [Theory]
    [InlineData("rms_norm", "x:VALUES weight:1,1,1,1", "0.4773,-0.4773,0.9545,1.6227")]
    [InlineData("layer_norm", "x:VALUES weight:1,1,1,1 bias:0,0,0,0", "-0.2184,-1.4666,0.4057,1.2794")]
    public void RowsOfAnySizeAreNormalized(string name, string input, string expected)
    {
        foreach (string size in new[] { "1e38", "1e30", "1e20", "1", "1e-20", "1e-30" })
        {
            double scale = double.Parse(size, CultureInfo.InvariantCulture);
            string values = string.Join(',', new[] { 0.5, -0.5, 1, 1.7 }
                .Select(value => (value * scale).ToString("R", CultureInfo.InvariantCulture)));
            FormulaExample example = new($"{input.Replace("VALUES", values, StringComparison.Ordinal)} epsilon=0");
            float[] y = FormulaIndex.Find(name).Run(example.Inputs, example.Attributes).Data;
            Assert.Equal(expected, string.Join(',', y.Select(value => value.ToString("0.0000", CultureInfo.InvariantCulture))));
        }
    }

    // ln(o_w/o_l) with a probability of 1 counted as 1 − 2⁻²⁴: odds of 2²⁴.
    [Theory]
    [InlineData(0, -1, 0.9f * 1e-8f)]
    [InlineData(-1, 0, 1 + 0.1f * 17.1768f)]
    [InlineData(0, 0, 0.1f * 0.6931472f)]
    public void OddsOfACertaintyAreFinite(float chosen, float rejected, float expected)
    {
        Dictionary<string, Values> inputs = new() { ["policy_chosen"] = new([1], [chosen]), ["policy_rejected"] = new([1], [rejected]) };
        FormulaCall call = new("orpo", inputs, null, true);
        Assert.Equal(expected, FormulaIndex.Find("orpo").Evaluate(call).Data[0], 1e-4f);
        Assert.All(call.Gradients.Values, gradient => Assert.True(float.IsFinite(gradient.Data[0])));
        Assert.True(call.Gradients["policy_chosen"].Data[0] <= -1);
    }

    [Fact]
    public void ARewardThatIsNotGivenTouchesItselfAlone()
    {
        FormulaExample example = new("rewards[3,2]");
        float[] rewards = [1, 3, float.NaN, 2, float.NaN, float.NaN];
        rewards.CopyTo(example.Inputs["rewards"].Data, 0);
        float[] y = FormulaIndex.Find("grpo_advantages").Run(example.Inputs, example.Attributes).Data;
        Assert.Equal(-0.7071, y[0], 1e-4);
        Assert.Equal(0.7071, y[1], 1e-4);
        Assert.Equal([0f, 0f, 0f, 0f], y[2..]);
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
