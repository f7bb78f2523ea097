using System.Globalization;
using System.Numerics;

namespace Lemma.Text.Templates.Values;

/// <summary>The whole numbers from one on, in steps, up to but without another.</summary>
internal sealed class RangeValue(BigInteger start, BigInteger stop, BigInteger step, int count) : Value
{
    /// <summary>The longest range.</summary>
    public const int Longest = 100_000;

    public override string Kind => "range";

    public override bool IsTrue => count > 0;

    public override int? Length => count;

    public override IEnumerable<Value>? Elements => Enumerable.Range(0, count).Select(At);

    public static RangeValue Of(BigInteger start, BigInteger stop, BigInteger step)
    {
        if (step.IsZero)
            throw new TemplateFault("range: the step must not be 0, but is");
        BigInteger span = step > 0 ? stop - start : start - stop;
        BigInteger count = span <= 0 ? 0 : (span + BigInteger.Abs(step) - 1) / BigInteger.Abs(step);
        return count <= Longest ? new RangeValue(start, stop, step, (int)count)
            : throw new TemplateFault($"range: at most {Longest} numbers are allowed, but {count} are asked for");
    }

    public override void WriteRepresentation(TextBuffer buffer) => buffer.Append(step == 1
        ? string.Create(CultureInfo.InvariantCulture, $"range({start}, {stop})")
        : string.Create(CultureInfo.InvariantCulture, $"range({start}, {stop}, {step})"));

    public override Value? ElementAt(Value key, Budget budget)
    {
        if (key is not IntegerValue index)
            return null;
        long at = index.Clamped < 0 ? index.Clamped + count : index.Clamped;
        return at >= 0 && at < count ? At((int)at) : null;
    }

    private IntegerValue At(int index) => IntegerValue.Of(start + (index * step));
}
