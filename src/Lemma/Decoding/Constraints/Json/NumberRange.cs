using System.Numerics;
using Lemma.Decoding.Constraints.Nodes;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>A bound of a number.</summary>
internal readonly record struct Bound(ExactNumber Value, bool IsExclusive);

/// <summary>The decimal numbers between two bounds, without an exponent: digit by digit, as long as what was written is that of a bound.</summary>
internal static class NumberRange
{
    // Digits of a number that has no bound on its side, and of a fraction that is free.
    private const int MostDigits = 17;

    /// <summary>Whole numbers from one to another, both included; null for no bound.</summary>
    public static GrammarNode Integers(BigInteger? least, BigInteger? most)
    {
        List<GrammarNode> choices = [];
        if (most is null || most >= 0)
            choices.Add(Magnitudes(Whole(BigInteger.Max(least ?? 0, 0)), Whole(most), 0));
        if (least is null || least < 0)
            choices.Add(GrammarNode.Sequence(GrammarNode.Text("-"),
                Magnitudes(Whole(BigInteger.Max(most is null ? 1 : -most.Value, 1)), Whole(-least), 0)));
        return GrammarNode.Choice(choices);
    }

    /// <summary>Numbers between bounds, with at most so many digits behind the point.</summary>
    public static GrammarNode Numbers(Bound? least, Bound? most, int places)
    {
        Bound zero = new(new ExactNumber(0, 0), IsExclusive: false), above = zero with { IsExclusive = true };
        List<GrammarNode> choices = [];
        if (most is null || most.Value.Value.Digits.Sign >= 0)
            choices.Add(Magnitudes(least is { } low && low.Value.Digits.Sign >= 0 ? low : zero, most, places));
        if (least is null || least.Value.Value.Digits.Sign < 0)
            choices.Add(GrammarNode.Sequence(GrammarNode.Text("-"),
                Magnitudes(most is { } high && high.Value.Digits.Sign < 0 ? Mirrored(high) : above, least is { } far ? Mirrored(far) : null, places)));
        return GrammarNode.Choice(choices);
    }

    private static Bound Mirrored(Bound bound) => bound with { Value = -bound.Value };

    private static Bound Whole(BigInteger value) => new(new ExactNumber(value, 0), IsExclusive: false);

    private static Bound? Whole(BigInteger? value) => value is { } known ? Whole(known) : null;

    // Numbers of at least 0 by the number of digits before their point.
    private static GrammarNode Magnitudes(Bound least, Bound? most, int places)
    {
        (string low, _) = least.Value.Written;
        int longest = most?.Value.Written.Whole.Length ?? Math.Max(MostDigits, low.Length);
        List<GrammarNode> choices = [];
        for (int length = low.Length; length <= longest; length++)
            choices.Add(new Digits(length, places, length == low.Length ? least : null,
                most is not null && length == longest ? most : null).At(0));
        return GrammarNode.Choice(choices);
    }

    // The numbers with so many digits before the point that are between bounds of as many.
    private sealed class Digits(int length, int places, Bound? least, Bound? most)
    {
        private readonly Dictionary<(int, bool, bool), GrammarNode> known = [];
        private readonly string low = Joined(least), high = Joined(most);

        // What follows so many digits, as long as they are those of the lower and of the upper bound.
        public GrammarNode At(int at) => At(at, least is not null, most is not null);

        private static string Joined(Bound? bound) => bound is null ? "" : bound.Value.Value.Written is var (whole, fraction) ? whole + fraction : "";

        private GrammarNode At(int at, bool isLow, bool isHigh)
        {
            if (known.TryGetValue((at, isLow, isHigh), out GrammarNode? node))
                return node;
            List<GrammarNode> choices = [];
            if (at >= length && MayEnd(at, isLow, isHigh))
                choices.Add(GrammarNode.Nothing);
            if (at < length)
                choices.Add(Next(at, isLow, isHigh));
            else if (at == length && places > 0)
                choices.Add(GrammarNode.Sequence(GrammarNode.Text("."), Next(at, isLow, isHigh)));
            else if (at > length && at < length + places)
                choices.Add(!isLow && !isHigh ? new RepeatNode(JsonRules.Digit, 0, length + places - at) : Next(at, isLow, isHigh));
            return known[(at, isLow, isHigh)] = GrammarNode.Choice(choices);
        }

        private GrammarNode Next(int at, bool isLow, bool isHigh)
        {
            int first = at == 0 && length > 1 ? 1 : 0;
            int from = isLow ? Math.Max(first, DigitOf(low, at)) : first, to = isHigh ? DigitOf(high, at) : 9;
            List<GrammarNode> choices = [];
            for (int digit = from; digit <= to;)
            {
                bool staysLow = isLow && digit == DigitOf(low, at), staysHigh = isHigh && digit == DigitOf(high, at);
                int last = digit;
                // Digits between those of the bounds are followed alike.
                while (!staysLow && !staysHigh && last < to && !(isHigh && last + 1 == DigitOf(high, at)))
                    last++;
                choices.Add(GrammarNode.Sequence(new ByteNode(ByteSet.Range('0' + digit, '0' + last)), At(at + 1, staysLow, staysHigh)));
                digit = last + 1;
            }
            return GrammarNode.Choice(choices);
        }

        private static int DigitOf(string digits, int at) => at < digits.Length ? digits[at] - '0' : 0;

        // A number that has the digits of a bound so far is below or above it by what the bound has behind them.
        private bool MayEnd(int at, bool isLow, bool isHigh)
        {
            bool lowRest = low.AsSpan(Math.Min(at, low.Length)).ContainsAnyExcept('0'), highRest = high.AsSpan(Math.Min(at, high.Length)).ContainsAnyExcept('0');
            return (!isLow || (!lowRest && !least!.Value.IsExclusive)) && (!isHigh || highRest || !most!.Value.IsExclusive);
        }
    }
}
