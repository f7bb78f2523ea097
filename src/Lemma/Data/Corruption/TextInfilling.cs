using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>Texts whose spans are each replaced by one mask, and the whole text as the target: BART's denoising.</summary>
/// <remarks>Lengths of spans are Poisson; a span of no ids is a mask put in. Lewis et al. 2019, section 2.2.</remarks>
public sealed record TextInfilling
{
    /// <summary>The id of the mask.</summary>
    public required int MaskId { get; init; }

    /// <summary>The share of ids that are masked, in (0, 1).</summary>
    public double Noise { get; init; } = 0.3;

    /// <summary>λ, the mean length of a span.</summary>
    public double MeanSpan { get; init; } = 3;

    /// <summary>The pair of a text; its first and last ids stay where they are special.</summary>
    /// <param name="ids">The text with the special ids around it.</param>
    /// <param name="random">Where spans come from.</param>
    /// <param name="before">How many first ids stay.</param>
    /// <param name="after">How many last ids stay.</param>
    public TokenSequencePair Corrupt(ReadOnlySpan<int> ids, Philox random, int before = 0, int after = 0)
    {
        Require.That(Noise is > 0 and < 1 && MeanSpan > 0, $"text_infilling: noise must be in (0, 1) and spans above 0, but they are {Noise} and {MeanSpan}");
        int body = ids.Length - before - after;
        Require.That(before >= 0 && after >= 0 && body > 0, $"text_infilling: {before} and {after} ids that stay leave none of {ids.Length}");
        int wanted = Math.Max(1, (int)Math.Round(body * Noise));
        // A span begins at an id with such a probability that the spans' ids are the share that is wanted.
        double begins = wanted / (MeanSpan * body);
        List<int> source = [.. ids[..before]];
        int at = before, taken = 0;
        ulong draw = 0;
        while (at < before + body)
        {
            bool isLast = at == before + body - 1 && taken == 0;
            if (taken >= wanted || (random.Uniform(draw++) >= begins && !isLast))
            {
                source.Add(ids[at++]);
                continue;
            }
            int length = Math.Min(Math.Max(isLast ? 1 : 0, Poisson(random, ref draw)), Math.Min(wanted - taken, before + body - at));
            source.Add(MaskId);
            (at, taken) = (at + length, taken + length);
            if (length == 0)
                source.Add(ids[at++]);
        }
        source.AddRange(ids[(before + body)..]);
        return new TokenSequencePair(source.ToArray(), ids.ToArray());
    }

    // Knuth's product of uniform numbers: spans are short.
    private int Poisson(Philox random, ref ulong draw)
    {
        double limit = Math.Exp(-MeanSpan), product = random.Uniform(draw++);
        int count = 0;
        for (; product > limit; count++)
            product *= random.Uniform(draw++);
        return count;
    }
}
