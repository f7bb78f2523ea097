using Lemma.Formulas;
using Lemma.Models;

namespace Lemma.Tests.Formulas;

/// <summary>The arithmetic of docs/corrections.md.</summary>
public class CorrectionTests
{
    [Fact]
    public void AdamsEpsilonStandsOutsideTheRootAndTheStepIsSubtracted()
    {
        float[] parameter = [0];
        Adam.Step(new AdamW.Numbers(1, 0.9f, 0.999f, 1e-8f, 0, 1, 1), parameter, [1e-8f], new float[1], new float[1]);
        Assert.Equal(-0.5, parameter[0], 1e-5);
        Assert.Equal(0.0001, 1e-8 / Math.Sqrt(1e-16 + 1e-8), 1e-8);
    }

    [Fact]
    public void AGatedLayerOfEightThirdsHasThePlainLayersWeights()
    {
        FormulaExample gated = new("x[1,24] w1[24,64] w2[24,64] w3[64,24]"), plain = new("x[1,24] w1[24,96] b1[96] w2[96,24] b2[24]");
        Assert.Equal(24, FormulaIndex.Find("ffn_glu").Run(gated.Inputs).Count);
        Assert.Equal(24, FormulaIndex.Find("ffn").Run(plain.Inputs).Count);
        static int Weights(FormulaExample example) => example.Inputs.Where(input => input.Key[0] == 'w').Sum(input => input.Value.Count);
        Assert.Equal(8 * 24 * 24, Weights(gated));
        Assert.Equal(Weights(plain), Weights(gated));
        Assert.Equal(4718592, 3 * 768 * 2048);
        Assert.Equal(8 * 768 * 768, 3 * 768 * 2048);
    }

    [Fact]
    public void ABlockHasTwoNormsAndTheModelOneMore()
    {
        using Decoder decoder = new(Presets.Find("gpt2-124m")!);
        long norms = decoder.Parameters.All.Where(parameter => parameter.Name.Contains("norm", StringComparison.Ordinal)).Sum(parameter => parameter.Count);
        Assert.Equal(12 * 4 * 768 + 2 * 768, norms);
        Assert.Equal(38400, norms);
    }

    [Fact]
    public void ALatentCacheIsAFiftySeventhOfTheWholeOne()
    {
        Assert.Equal(576, 512 + 64);
        Assert.Equal(32768, 2 * 128 * 128);
        Assert.Equal(57, Math.Round(32768 / 576.0));
        FormulaExample example = new(FormulaIndex.Find("multi_head_latent_attention").Example);
        // What the absorbed form reads of earlier tokens: the latent and one rotary key.
        Assert.True(example.Inputs["wc"].Columns + example.Inputs["wr"].Columns < 2 * example.Inputs["u"].Columns);
    }

    [Fact]
    public void TemperatureDividesLogits()
    {
        float[] right = new float[2], wrong = new float[2];
        Softmax.Forward([(float)Math.Log(0.664), (float)Math.Log(0.199)], 2, 0.7f, right);
        Softmax.Forward([0.664f, 0.199f], 2, 0.7f, wrong);
        Assert.Equal([0.848, 0.152], right.Select(value => Math.Round(value, 3)));
        Assert.Equal([0.660, 0.340], wrong.Select(value => Math.Round(value, 3)));
    }

    [Fact]
    public void RotaryPairsAreWrittenBackWhereTheyWere()
    {
        (float[] cosines, float[] sines) = RopeFormula.Angles(0, 1, 4, 10000, RopeScaling.None);
        float[] y = new float[4];
        RopeFormula.Forward([1, 2, 3, 4], cosines, sines, 4, true, y);
        Assert.Equal([1f, 2f, 3f, 4f], y);
        float[] x = [1, 2, 3, 4];
        Assert.Equal([1f, 3f, 2f, 4f], [x[0], x[2], x[1], x[3]]);
    }

    [Fact]
    public void TokensGrowWithParameters()
    {
        // The best N of a budget, by search, for two budgets a hundredfold apart.
        static double Best(double compute) => Enumerable.Range(0, 4000).Select(i => Math.Pow(10, 6 + 8.0 * i / 4000))
            .MinBy(n => 406.4 / Math.Pow(n, 0.34) + 410.7 / Math.Pow(compute / (6 * n), 0.28));
        double growth = Math.Log10(Best(1e22) / Best(1e20)) / 2;
        Assert.Equal(0.28 / 0.62, growth, 0.01);
        Assert.Equal(0.45, growth, 0.01);
        Assert.Equal(0.55, 1 - growth, 0.01);
    }

    [Fact]
    public void WithoutASoftmaxOnQueriesWeightsDoNotSumToOne()
    {
        float[] keys = [0.5f, 0.5f, 0.5f, 0.5f], queries = [3, 1], soft = new float[2];
        Softmax.Forward(queries, 2, 1, soft);
        static double Sum(float[] query, float[] keys) => query[0] * (keys[0] + keys[1]) + query[1] * (keys[2] + keys[3]);
        Assert.Equal(1, Sum(soft, keys), 1e-6);
        Assert.Equal(2.83, Sum(queries, keys) / Math.Sqrt(2), 0.005);
    }

    [Fact]
    public void ExpertsCostWhatIsPicked()
    {
        Assert.Equal(1409286144, 8L * 3 * 4096 * 14336);
        Assert.Equal(352321536, 2L * 3 * 4096 * 14336);
        FormulaExample example = new("logits[40,8] top_k=2");
        float[] gates = FormulaIndex.Find("moe_route").Run(example.Inputs, example.Attributes).Data;
        Assert.Equal(40 * 2, gates.Count(gate => gate != 0));
    }

    [Fact]
    public void GeluMakesGegluAndSiluSwiGlu()
    {
        Dictionary<string, Values> ones = new()
        {
            ["x"] = new([1, 1], [1f]),
            ["w1"] = new([1, 1], [1f]),
            ["w2"] = new([1, 1], [1f]),
            ["w3"] = new([1, 1], [1f]),
        };
        float Gated(string activation) => FormulaIndex.Find("ffn_glu").Run(ones, new Dictionary<string, object> { ["activation"] = activation }).Data[0];
        Assert.Equal(0.841, Gated("gelu"), 5e-4);
        Assert.Equal(0.731, Gated("silu"), 5e-4);
    }

    [Theory]
    [InlineData(0.001f, 0.7071, 0.9990), InlineData(1f, 1, 1)]
    public void FormsOfTheNormDifferForSmallNumbers(float size, double inner, double outer)
    {
        Dictionary<string, Values> inputs = new() { ["x"] = new([1, 2], [size, -size]), ["weight"] = new([2], [1f, 1f]) };
        double Norm(bool inside) => FormulaIndex.Find("rms_norm")
            .Run(inputs, new Dictionary<string, object> { ["epsilon"] = 1e-6, ["epsilon_inside_root"] = inside }).Data[0];
        Assert.Equal(inner, Norm(true), 1e-4);
        Assert.Equal(outer, Norm(false), 1e-4);
    }
}
