using Lemma.Checkpoints;
using Lemma.Formulas;

namespace Lemma.Tests.Checkpoints;

/// <summary>10ˣ is right to the last bits, and has the bits that stand here wherever it is computed.</summary>
public sealed class PowerOfTenTests
{
    [Fact]
    public void ItIsWithinTwoUnitsOfTheLastPlace()
    {
        Philox random = new(1);
        for (int i = 0; i < 20000; i++)
        {
            double x = (i % 2 == 0 ? -8 : 600) * (random.Uniform((ulong)i) - (i % 2 == 0 ? 0 : 0.5));
            double wanted = Math.Pow(10, x), given = PowerOfTen.Of(x);
            Assert.True(Math.Abs(given - wanted) <= 2 * (Math.BitIncrement(wanted) - wanted), $"{x:R}: {given:R}, {wanted:R}");
        }
        for (int x = -22; x <= 22; x++)
            Assert.Equal(double.Parse($"1e{x}", System.Globalization.CultureInfo.InvariantCulture), PowerOfTen.Of(x), double.Parse($"4e{x - 16}", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(1, PowerOfTen.Of(0));
        Assert.Equal((0, double.PositiveInfinity), (PowerOfTen.Of(-500), PowerOfTen.Of(400)));
        Assert.Equal((0, double.PositiveInfinity), (PowerOfTen.Of(-330), PowerOfTen.Of(309)));
        Assert.True(double.IsNaN(PowerOfTen.Of(double.NaN)));
    }

    // Of decimal arithmetic with 60 digits, rounded once.
    [Theory]
    [InlineData(-0.30103, 4602678819082718564)]
    [InlineData(-1.2345678, 4588558165195859683)]
    [InlineData(-99, 3125919792542303038)]
    [InlineData(0.1761, 4609434354579428812)]
    [InlineData(-310.5, 6400521240014)]
    public void ItsBitsAreTheseEverywhere(double x, long bits) => Assert.Equal(bits, BitConverter.DoubleToInt64Bits(PowerOfTen.Of(x)));
}
