using Lemma.Formulas;

namespace Lemma.Evaluation.Compression;

/// <summary>Probabilities as whole numbers, at least 1 for every symbol: what coder and decoder agree on to the bit.</summary>
/// <remarks>A symbol has 1 + ⌊p·2³⁰⌋; p comes from a softmax whose bits are the same on every processor, and a product with a power of two is exact.</remarks>
internal sealed class Frequencies(int symbols)
{
    private const int Bits = 30;
    private readonly uint[] counts = new uint[symbols];
    private readonly float[] row = new float[symbols];

    public int Symbols => symbols;

    /// <summary>The least bits that one of some symbols costs: all others have 1 at least, of a total a little above 2³⁰ and their number at most.</summary>
    public static double LeastBits(int symbols)
    {
        double most = 1.01 * (1u << Bits) + symbols;
        return Math.Log2(most / (most - (symbols - 1)));
    }

    public ulong Total { get; private set; }

    /// <summary>The shares of a row of logits.</summary>
    public void SetLogits(ReadOnlySpan<float> logits)
    {
        Softmax.Forward(logits[..symbols], symbols, 1, row);
        ulong total = 0;
        for (int i = 0; i < row.Length; i++)
        {
            float p = row[i];
            if (!(p >= 0 && p <= 1.001f))
                throw new InvalidDataException($"compression: the model's probabilities must be in [0, 1], but that of id {i} is {p}");
            total += counts[i] = 1 + (uint)(p * (1u << Bits));
        }
        Total = total;
    }

    /// <summary>The shares of a distribution.</summary>
    public void SetProbabilities(ReadOnlySpan<double> probabilities)
    {
        // A file's distributions may sum to more than 1.
        double sum = 0;
        foreach (double p in probabilities)
            sum += p;
        double scale = sum > 1.0001 ? 1 / sum : 1;
        ulong total = 0;
        for (int i = 0; i < symbols; i++)
        {
            double p = probabilities[i] * scale;
            if (!(p >= 0 && p <= 1.001))
                throw new InvalidDataException($"compression: the model's probabilities must be in [0, 1], but that of id {i} is {p}");
            total += counts[i] = 1 + (uint)(p * (1u << Bits));
        }
        Total = total;
    }

    /// <summary>Nothing is known: all are as likely.</summary>
    public void SetUniform()
    {
        Array.Fill(counts, 1u);
        Total = (ulong)symbols;
    }

    public void Encode(RangeEncoder coder, int symbol)
    {
        ulong from = 0;
        foreach (uint count in counts.AsSpan(0, symbol))
            from += count;
        coder.Encode(from, counts[symbol], Total);
    }

    public int Decode(RangeDecoder coder)
    {
        ulong place = coder.Place(Total), from = 0;
        int symbol = 0;
        while (from + counts[symbol] <= place)
            from += counts[symbol++];
        coder.Decoded(from, counts[symbol], Total);
        return symbol;
    }
}
