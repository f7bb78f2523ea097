namespace Lemma.Formulas;

/// <summary>bits ≤ −Σ log₂ p(x_t) + 2.</summary>
/// <remarks>
/// p: [steps, n], the model's distribution at each step; symbols: [steps]; bits: []; the number of bits that the text takes; any model that
/// predicts the next symbol will do. Rissanen 1976; Witten, Neal and Cleary 1987.
/// </remarks>
public static class ArithmeticCode
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "arithmetic_code",
        Group = "Information",
        Text = "bits ≤ −Σ log₂ p(x_t) + 2",
        Latex = @"\mathrm{bits}\le -\sum_t\log_2 p(x_t) + 2",
        Shapes = "p: [steps, n], the model's distribution at each step; symbols: [steps]; bits: []",
        Symbols = "the number of bits that the text takes; any model that predicts the next symbol will do",
        Source = "Rissanen 1976; Witten, Neal and Cleary 1987",
        Gradient = "None: bits are whole numbers",
        Notes = "A language model that predicts well compresses well.",
        IsDifferentiable = false,
        Example = "p[20,5]p symbols[20]%5",
        Evaluate = Evaluate,
    };

    /// <summary>The resolution of probabilities: each symbol gets at least one of 2^16 parts.</summary>
    private const int Parts = 1 << 16;

    private const ulong Whole = 1UL << 32, Half = Whole / 2, Quarter = Whole / 4;

    /// <summary>Codes symbols with the distribution of each step; the decoder must see the same distributions.</summary>
    public static List<bool> Encode(ReadOnlySpan<int> symbols, Func<int, float[]> model)
    {
        List<bool> bits = [];
        ulong low = 0, high = Whole - 1;
        int pending = 0;
        for (int t = 0; t < symbols.Length; t++)
        {
            float[] p = model(t);
            Check.Target("arithmetic_code", symbols[t], t, p.Length);
            (ulong from, ulong to, ulong total) = Interval(p, symbols[t]);
            Narrow(ref low, ref high, from, to, total);
            while (Shift(ref low, ref high, out bool? bit))
            {
                if (bit is { } known)
                    Emit(bits, known, ref pending);
                else
                    pending++;
            }
        }
        pending++;
        Emit(bits, low >= Quarter, ref pending);
        return bits;
    }

    /// <summary>The symbols of a code.</summary>
    public static int[] Decode(IReadOnlyList<bool> bits, int count, Func<int, IReadOnlyList<int>, float[]> model)
    {
        List<int> symbols = [];
        ulong low = 0, high = Whole - 1, value = 0;
        int next = 0;
        for (; next < 32; next++)
            value = (value << 1) | Bit(bits, next);
        while (symbols.Count < count)
        {
            float[] p = model(symbols.Count, symbols);
            ulong[] ends = Ends(p);
            ulong place = ((value - low + 1) * ends[^1] - 1) / (high - low + 1);
            int symbol = 0;
            while (ends[symbol] <= place)
                symbol++;
            symbols.Add(symbol);
            Narrow(ref low, ref high, symbol == 0 ? 0 : ends[symbol - 1], ends[symbol], ends[^1]);
            while (true)
            {
                ulong offset = high < Half ? 0 : low >= Half ? Half : low >= Quarter && high < Half + Quarter ? Quarter : ulong.MaxValue;
                if (offset == ulong.MaxValue)
                    break;
                (low, high) = ((low - offset) << 1, ((high - offset) << 1) | 1);
                value = ((value - offset) << 1) | Bit(bits, next++);
            }
        }
        return [.. symbols];
    }

    private static bool Shift(ref ulong low, ref ulong high, out bool? bit)
    {
        ulong offset;
        if (high < Half)
            (bit, offset) = (false, 0);
        else if (low >= Half)
            (bit, offset) = (true, Half);
        else if (low >= Quarter && high < Half + Quarter)
            (bit, offset) = (null, Quarter);
        else
        {
            bit = null;
            return false;
        }
        (low, high) = ((low - offset) << 1, ((high - offset) << 1) | 1);
        return true;
    }

    private static void Narrow(ref ulong low, ref ulong high, ulong from, ulong to, ulong total)
    {
        ulong range = high - low + 1;
        (low, high) = (low + range * from / total, low + range * to / total - 1);
    }

    private static ulong Bit(IReadOnlyList<bool> bits, int index) => index < bits.Count && bits[index] ? 1UL : 0;

    private static void Emit(List<bool> bits, bool bit, ref int pending)
    {
        bits.Add(bit);
        // What was undecided between two halves is settled the other way round.
        for (; pending > 0; pending--)
            bits.Add(!bit);
    }

    private static (ulong From, ulong To, ulong Total) Interval(float[] p, int symbol)
    {
        ulong[] ends = Ends(p);
        return (symbol == 0 ? 0 : ends[symbol - 1], ends[symbol], ends[^1]);
    }

    private static ulong[] Ends(float[] p)
    {
        Check.Distributions("arithmetic_code", "p", p, p.Length);
        ulong[] ends = new ulong[p.Length];
        ulong sum = 0;
        for (int i = 0; i < p.Length; i++)
            ends[i] = sum += 1 + (ulong)((double)p[i] * Parts);
        return ends;
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values p = call.Input("p", -1, -1);
        Check.SameLength("arithmetic_code", p.Rows, call["symbols"].Count);
        return Values.Scalar(Encode(call.Integers("symbols"), t => p.Data.AsSpan(t * p.Columns, p.Columns).ToArray()).Count);
    }
}
