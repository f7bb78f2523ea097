using System.Runtime.Intrinsics;
using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Exponential, logarithms, tanh, Φ and the logistic function over all floats, and bits that no processor changes.</summary>
[Trait("Kernels", "true")]
public class VectorMathTests
{
    // Every 20,011th float: a hundred thousand of each sign, denormals and the largest among them.
    private static IEnumerable<float> Sweep()
    {
        for (long bits = 0; bits < 0x7F800000; bits += 20011)
        {
            yield return BitConverter.Int32BitsToSingle((int)bits);
            yield return BitConverter.Int32BitsToSingle((int)bits | int.MinValue);
        }
    }

    [Fact]
    public void TheExponentialIsWithinOneUlp()
    {
        foreach (float x in Sweep())
        {
            float y = VectorMath.Exp(Vector512.Create(x))[3], nearest = (float)Math.Exp(x);
            Assert.True(Math.Abs(BitConverter.SingleToInt32Bits(y) - BitConverter.SingleToInt32Bits(nearest)) <= 1, $"e^{x:R}: {y:R}, exact {nearest:R}");
        }
    }

    [Theory]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(-104f, 0f)]
    [InlineData(-103.5f, 1.40129846E-45f)]
    [InlineData(-0f, 1f)]
    [InlineData(float.Epsilon, 1f)]
    [InlineData(88.7228f, 3.40269467E+38f)]
    [InlineData(88.73f, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void TheExponentialAtItsEdges(float x, float y) => Assert.Equal(y, VectorMath.Exp(Vector512.Create(x))[7]);

    [Fact]
    public void TheLogarithmIsWithinOneUlp()
    {
        foreach (float x in Sweep())
        {
            float y = VectorMath.Log(Vector512.Create(x))[3], nearest = (float)Math.Log(x);
            Assert.True(Ulps(y, nearest) <= 1, $"ln {x:R}: {y:R}, exact {nearest:R}");
        }
    }

    [Fact]
    public void TheLogarithmOfOnePlusIsWithinOneAndAHalfUlp()
    {
        foreach (float x in Sweep().Where(x => x is >= -1 and <= 1 << 24).Concat(Enumerable.Range(1, 200000).Select(i => i / 100000f - 1)))
        {
            float y = VectorMath.LogOnePlus(Vector512.Create(x))[9];
            double exact = Math.Abs(x) < 1e-4 ? x - x * (double)x / 2 + x * (double)x * x / 3 : Math.Log(1 + (double)x);
            double ulp = Math.Max(MathF.BitIncrement(MathF.Abs((float)exact)) - MathF.Abs((float)exact), float.Epsilon);
            Assert.True(Math.Abs(y - exact) <= 1.5 * ulp || y == exact, $"ln(1 + {x:R}): {y:R}, exact {exact:R}");
        }
    }

    [Theory]
    [InlineData(0f, float.NegativeInfinity)]
    [InlineData(1f, 0f)]
    [InlineData(float.Epsilon, -103.27893f)]
    [InlineData(-1f, float.NaN)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NaN)]
    [InlineData(float.NaN, float.NaN)]
    public void TheLogarithmAtItsEdges(float x, float y) => Assert.Equal(y, VectorMath.Log(Vector512.Create(x))[7]);

    private static long Ulps(float x, float y) => x.Equals(y) ? 0 : Math.Abs((long)Ordered(x) - Ordered(y));

    // The place of a float among all floats.
    private static int Ordered(float x) => BitConverter.SingleToInt32Bits(x) is var bits && bits < 0 ? int.MinValue - bits : bits;

    [Fact]
    public void TanhAndTheLogisticFunctionAreExact()
    {
        foreach (float x in Sweep())
        {
            Vector512<float> all = Vector512.Create(x);
            Near(Math.Tanh(x), VectorMath.Tanh(all)[0], 3e-7, x);
            Near(1 / (1 + Math.Exp(-x)), VectorMath.Sigmoid(all)[5], 3e-7, x);
        }
    }

    [Fact]
    public void TheNormalDistributionFunctionIsExact()
    {
        foreach (float x in Sweep())
        {
            double exact = MathNet.Numerics.SpecialFunctions.Erfc(-x / Math.Sqrt(2)) / 2;
            float y = VectorMath.Normal(Vector512.Create(x))[11];
            // Below −5.5 it is less than the exact value and not negative; what that leaves out is under 2·10⁻⁸.
            double allowed = Math.Min(9e-8, x > -5.5 ? 4e-6 * exact : exact);
            Assert.True(Math.Abs(y - exact) <= allowed + 1.2e-38, $"Φ({x:R}) is {exact:R}, not {y:R}");
        }
    }

    [Fact]
    public void NaNStaysNaN()
    {
        Vector512<float> nan = Vector512.Create(float.NaN);
        Assert.All(new[] { VectorMath.Exp(nan), VectorMath.Sigmoid(nan), VectorMath.Tanh(nan), VectorMath.Normal(nan), VectorMath.Log(nan),
            VectorMath.LogOnePlus(nan) }, y => Assert.Equal(nan, y));
    }

    [Fact]
    public void BitsAreTheSameOnEveryProcessor()
    {
        // FNV over the results; recorded with 512-bit vectors, and the same with 256 bits, 128 bits and none (see .ci/run).
        ulong hash = 14695981039346656037;
        foreach (float x in Sweep())
        {
            Vector512<float> all = Vector512.Create(x);
            foreach (float y in new[] { VectorMath.Exp(all)[0], VectorMath.Tanh(all)[0], VectorMath.Sigmoid(all)[0], VectorMath.Normal(all)[0],
                VectorMath.Log(all)[0], VectorMath.LogOnePlus(Vector512.Create(Math.Clamp(x, -1, 1)))[0] })
                hash = float.IsNaN(y) ? hash : (hash ^ BitConverter.SingleToUInt32Bits(y)) * 1099511628211;
        }
        Assert.Equal("C9D370CD1A73B8D5", hash.ToString("X16"));
    }

    private static void Near(double exact, float y, double relative, float x) =>
        Assert.True(Math.Abs(y - exact) <= relative * Math.Abs(exact) + 1.2e-38, $"at {x:R}: {y:R}, exact {exact:R}");
}
