using System.Globalization;
using System.Numerics;

namespace Lemma.Text.Templates.Values;

/// <summary>A whole number, as long as Python writes it: of at most 4,300 digits.</summary>
internal class IntegerValue(BigInteger number) : NumberValue
{
    /// <summary>The most digits.</summary>
    public const int Digits = 4300;

    // The bits of 10^4300 - 1.
    private const int Bits = 14_284;

    public BigInteger Number => number;

    /// <summary>The number, or the nearest of 64 bits: for indices, widths and counts, which no larger one would change.</summary>
    public long Clamped => number > long.MaxValue ? long.MaxValue : number < long.MinValue ? long.MinValue : (long)number;

    public override string Kind => "int";

    public override bool IsTrue => !number.IsZero;

    // The runtime rounds a long integer's conversion twice; its text is rounded once.
    public override double Real => number >= long.MinValue && number <= long.MaxValue ? (double)(long)number
        : double.Parse(number.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>A number that was computed.</summary>
    /// <exception cref="TemplateFault">It is too long.</exception>
    public static IntegerValue Of(BigInteger number) => number.GetBitLength() <= Bits ? new IntegerValue(number) : throw TooLong();

    public static TemplateFault TooLong() => new($"a whole number may have at most {Digits} digits, but would have more");
}
