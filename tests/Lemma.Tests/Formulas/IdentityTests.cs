using CsCheck;
using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>What must hold between formulas, for any numbers.</summary>
public class IdentityTests
{
    private static readonly Gen<float[]> Numbers = Gen.Float[-20, 20].Array[1, 70];
    private static readonly Gen<float[]> Distribution = Gen.Float[0.01f, 1].Array[2,
        40].Select(x => x.Select(value => value / x.Sum()).ToArray());

    [Fact]
    public void TanhIsTwoSigmoidsOfTheDoubleLessOne() => Numbers.Sample(x =>
    {
        float[] twice = [.. x.Select(value => 2 * value)], tanh = new float[x.Length], sigmoid = new float[x.Length];
        Tanh.Forward(x, tanh);
        Sigmoid.Forward(twice, sigmoid);
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(2 * sigmoid[i] - 1, tanh[i], 3e-7f);
    });

    [Fact]
    public void SoftmaxSumsToOneAndKeepsTheOrder() => Numbers.Sample(x =>
    {
        float[] y = new float[x.Length];
        Softmax.Forward(x, x.Length, 0.8f, y);
        Assert.Equal(1, y.Sum(value => (double)value), 1e-5);
        for (int i = 1; i < x.Length; i++)
            Assert.True(x[i] >= x[i - 1] ? y[i] >= y[i - 1] : y[i] <= y[i - 1]);
    });

    [Fact]
    public void BothFormsOfDirectPreferenceAgree() => Gen.Float[-5, 5].Array[4].Sample(x =>
    {
        double loss = DirectPreference.Forward([x[0]], [x[1]], [x[2]], [x[3]], 0.3, 0);
        float better = 0.3f * (x[0] - x[2]), worse = 0.3f * (x[1] - x[3]);
        Assert.Equal(RewardPairwise.Forward([better], [worse]), loss, 1e-5);
    });

    [Fact]
    public void DivergenceIsCrossEntropyLessEntropyAndNeverNegative() => Gen.Select(Gen.Float[-4, 4].Array[5],
        Gen.Float[-4, 4].Array[5]).Sample((z, w) =>
    {
        float[] p = new float[5], q = new float[5], cross = new float[1], entropy = new float[1];
        Softmax.Forward(z, 5, 1, p);
        Softmax.Forward(w, 5, 1, q);
        DistributionCrossEntropy.Forward(p, q, 5, 1, cross);
        Entropy.Forward(p, 5, 1, entropy);
        double divergence = Divergence.Forward(z, w, 5, 1);
        Assert.Equal(cross[0] - entropy[0], divergence, 2e-5);
        Assert.True(divergence >= -1e-7);
    });

    [Theory]
    [InlineData(false), InlineData(true)]
    public void AProductOfTurnedRowsDependsOnTheirDistanceAlone(bool interleaved)
    {
        float[] q = OperationCheck.Random(16, 1), k = OperationCheck.Random(16, 2);
        double Product(int m, int n)
        {
            (float[] cosines, float[] sines) = RopeFormula.Angles(m, 1, 16, 10000, RopeScaling.None);
            (float[] otherCosines, float[] otherSines) = RopeFormula.Angles(n, 1, 16, 10000, RopeScaling.None);
            float[] a = new float[16], b = new float[16];
            RopeFormula.Forward(q, cosines, sines, 16, interleaved, a);
            RopeFormula.Forward(k, otherCosines, otherSines, 16, interleaved, b);
            return a.Zip(b, (x, y) => (double)x * y).Sum();
        }
        Assert.Equal(Product(3, 7), Product(103, 107), 1e-5);
        Assert.NotEqual(Product(3, 7), Product(3, 8), 1e-3);
    }

    [Fact]
    public void TheLayoutsOfRotaryPairsArePermutationsOfEachOther()
    {
        float[] x = OperationCheck.Random(5 * 8, 1), half = new float[40], y = new float[40], z = new float[40];
        int Place(int i) => i / 8 * 8 + i % 2 * 4 + i % 8 / 2;
        for (int i = 0; i < 40; i++)
            half[Place(i)] = x[i];
        (float[] cosines, float[] sines) = RopeFormula.Angles(2, 5, 8, 10000, RopeScaling.None);
        RopeFormula.Forward(x, cosines, sines, 8, true, y);
        RopeFormula.Forward(half, cosines, sines, 8, false, z);
        for (int i = 0; i < 40; i++)
            Assert.Equal(y[i], z[Place(i)]);
    }

    [Fact]
    public void HuffmanWordsAreWithinABitOfTheEntropyAndNoneBeginsAnother() => Distribution.Sample(p =>
    {
        int[] lengths = HuffmanCode.Lengths(p);
        double mean = p.Zip(lengths, (weight, length) => (double)weight * length).Sum(),
            entropy = p.Sum(value => -value * Math.Log2(value));
        Assert.InRange(mean, entropy - 1e-5, entropy + 1);
        string[] words = HuffmanCode.Words(lengths);
        Assert.Equal(lengths, words.Select(word => word.Length));
        Assert.All(words, word => Assert.Single(words, other => other.StartsWith(word, StringComparison.Ordinal)));
    }, iter: 100);

    [Fact]
    public void AnArithmeticCodeIsReadBackAndCostsTheInformationOfItsText() => Gen.Select(Distribution,
        Gen.Int[0, int.MaxValue].Array[1, 60]).Sample((p, draws) =>
    {
        int[] symbols = [.. draws.Select(draw => draw % p.Length)];
        List<bool> bits = ArithmeticCode.Encode(symbols, _ => p);
        Assert.Equal(symbols, ArithmeticCode.Decode(bits, symbols.Length, (_, _) => p));
        Assert.InRange(bits.Count, 1, symbols.Sum(symbol => -Math.Log2(p[symbol])) * 1.001 + 2 + 0.01 * symbols.Length);
    }, iter: 100);

    [Theory]
    [InlineData(0f), InlineData(0.01f), InlineData(0.11f), InlineData(0.5f), InlineData(0.8f), InlineData(1f)]
    public void CapacitiesInClosedFormAreThoseOfBlahutAndArimoto(float p)
    {
        Assert.Equal(SymmetricChannel.Forward(p), BlahutArimoto.Forward([1 - p, p, p, 1 - p], 2).Capacity, 1e-6);
        Assert.Equal(ErasureChannel.Forward(p), BlahutArimoto.Forward([1 - p, p, 0, 0, p, 1 - p], 3).Capacity, 1e-6);
    }

    [Fact]
    public void LatentAttentionIsTheSameNaiveAndAbsorbed() => SameOutput("multi_head_latent_attention", "form=naive", "form=absorbed",
        1e-5);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(4), InlineData(9), InlineData(20)]
    public void LinearAttentionIsTheSameInChunks(int chunk) => SameOutput("linear_attention", "chunk=0", $"chunk={chunk}", 1e-5);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(4), InlineData(9), InlineData(20)]
    public void TheGatedDeltaRuleIsTheSameInChunks(int chunk) => SameOutput("gated_delta_rule", "chunk=0", $"chunk={chunk}", 1e-5);

    [Fact]
    public void ACachedKeyHasTheBitsOfCausalAttention()
    {
        FormulaExample example = new(FormulaIndex.Find("kv_cache").Example);
        Values cached = FormulaIndex.Find("kv_cache").Run(example.Inputs);
        Values whole = FormulaIndex.Find("attention").Run(example.Inputs, new Dictionary<string, object> { ["mask"] = "causal" });
        Assert.Equal(whole.Data, cached.Data);
    }

    [Fact]
    public void OnlineSoftmaxIsThePlainOne()
    {
        // 300 keys are two blocks of the tiled kernel; in double, scores are taken a row at a time.
        FormulaExample example = new("q[1,2,300,8] k[1,2,300,8] v[1,2,300,8]");
        Formula attention = FormulaIndex.Find("attention");
        Values tiled = attention.Run(example.Inputs, new Dictionary<string, object> { ["mask"] = "causal" });
        FormulaCall call = new("attention", example.Inputs, new Dictionary<string, object> { ["mask"] = "causal" });
        HeadSizes sizes = HeadSizes.Of("attention", call["q"], call["k"], call["v"]);
        Values plain = ScoredEvaluation.RunInDouble(call, sizes, AttentionScore.Read(call, "attention", sizes));
        OperationCheck.Close("attention", [.. plain.Data.Select(value => (double)value)], tiled.Data, 1e-5);
    }

    [Fact]
    public void ARowWithNothingAllowedGivesZero()
    {
        FormulaExample example = new("q[1,1,3,4] k[1,1,3,4] v[1,1,3,4] mask=padding lengths=0,");
        Assert.All(FormulaIndex.Find("attention").Run(example.Inputs, example.Attributes).Data, value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData("i,i->", "a[5] b[5]"), InlineData("ik,kj->ij", "a[3,4] b[4,5]"), InlineData("i,j->ij", "a[3] b[4]"),
        InlineData("ij->ji", "a[3,4]"),
     InlineData("bij,bjk->bik", "a[2,3,4] b[2,4,5]"), InlineData("bcd,cd->bcd", "a[2,3,4] b[3,4]"), InlineData("abc->", "a[2,3,4]"),
         InlineData("ii->i", "a[3,3]")]
    public void EinsteinSumsAreLoops(string equation, string inputs)
    {
        FormulaExample example = new($"{inputs} equation={equation}");
        Values y = FormulaIndex.Find("einsum").Run(example.Inputs, example.Attributes);
        string[] sides = equation.Split("->"), terms = sides[0].Split(',');
        string names = string.Concat(sides[0].Replace(",", "", StringComparison.Ordinal).Distinct());
        Values[] operands = [.. example.Inputs.Values];
        Dictionary<char, int> sizes = [];
        for (int t = 0; t < terms.Length; t++)
        {
            for (int axis = 0; axis < terms[t].Length; axis++)
                sizes[terms[t][axis]] = operands[t].Shape[axis];
        }
        double[] expected = new double[y.Count];
        int all = names.Aggregate(1, (count, name) => count * sizes[name]);
        for (int n = 0; n < all; n++)
        {
            Dictionary<char, int> place = [];
            int rest = n;
            foreach (char name in names)
                (place[name], rest) = (rest % sizes[name], rest / sizes[name]);
            int At(string term) => term.Aggregate(0, (at, name) => at * sizes[name] + place[name]);
            double product = 1;
            for (int t = 0; t < terms.Length; t++)
                product *= operands[t].Data[At(terms[t])];
            expected[At(sides[1])] += product;
        }
        OperationCheck.Close(equation, expected, y.Data, 1e-6);
    }

    [Fact]
    public void DecompositionsGiveTheirMatrixBack()
    {
        float[] a = OperationCheck.Random(12, 3), square = OperationCheck.Random(9, 4);
        float[] inverse = Run("matrix_inverse", square, 3, 3).Data;
        OperationCheck.Close("A·A⁻¹", [1, 0, 0, 0, 1, 0, 0, 0, 1], SpanProduct.New(3, 3, 3, square, false, inverse, false), 1e-5);
        float[] svd = Run("svd", a, 4, 3).Data, scaled = new float[12];
        for (int i = 0; i < 12; i++)
            scaled[i] = svd[3 + i] * svd[i % 3];
        OperationCheck.Close("U·Σ·Vᵀ", [.. a.Select(value => (double)value)],
            SpanProduct.New(4, 3, 3, scaled, false, svd.AsSpan(15, 9), true), 1e-5);
        float[] gram = SpanProduct.New(3, 3, 3, square, true, square, false), eigen = Run("eigen", gram, 3, 3).Data;
        for (int i = 0; i < 3; i++)
        {
            double[] along = [.. eigen.AsSpan(3 + 3 * i, 3).ToArray().Select(value => (double)value * eigen[i])];
            OperationCheck.Close("A·x", along, SpanProduct.New(3, 1, 3, gram, false, eigen.AsSpan(3 + 3 * i, 3), false), 1e-4, 1);
        }
        Assert.True(OrthogonalTest.Holds(svd.AsSpan(15, 9), 3));
    }

    [Fact]
    public void ThreeEstimatesOfADivergenceMeetIt()
    {
        // Samples of p = (0.7, 0.3) against q = (0.5, 0.5), as often as p says.
        float[] logs = [.. Enumerable.Range(0, 10).Select(i => (float)Math.Log(i < 7 ? 0.7 : 0.3))],
            reference = [.. logs.Select(_ => (float)Math.Log(0.5))];
        double exact = 0.7 * Math.Log(1.4) + 0.3 * Math.Log(0.6);
        Assert.Equal(exact, DivergenceK1.Forward(logs, reference), 1e-6);
        Assert.Equal(exact, DivergenceK3.Forward(logs, reference), 1e-6);
        Assert.True(DivergenceK2.Forward(logs, reference) > 0);
    }

    private static Values Run(string name, float[] a, int rows, int columns) =>
        FormulaIndex.Find(name).Run(new Dictionary<string, Values> { ["a"] = new([rows, columns], a) });

    private static void SameOutput(string name, string one, string other, double tolerance)
    {
        Formula formula = FormulaIndex.Find(name);
        FormulaExample first = new($"{formula.Example} {one}"), second = new($"{formula.Example} {other}");
        double[] expected = [.. formula.Run(first.Inputs, first.Attributes).Data.Select(value => (double)value)];
        OperationCheck.Close(name, expected, formula.Run(second.Inputs, second.Attributes).Data, tolerance);
    }
}
