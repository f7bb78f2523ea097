using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>Texts with spans taken out, each behind a sentinel, which the target names with what was there: the objective of T5.</summary>
/// <remarks>
/// "a b c d e f" becomes the source "a &lt;0&gt; d e &lt;1&gt;" and the target "&lt;0&gt; b c &lt;1&gt; f &lt;2&gt;": a last sentinel ends the target. The share of
/// noise and the mean length fix the numbers of ids and spans; only where they lie is drawn. Raffel et al. 2019, section 3.1.4.
/// </remarks>
public sealed record SpanCorruption
{
    /// <summary>The first sentinel; the next ones count down from it, as in T5's vocabulary.</summary>
    public required int FirstSentinel { get; init; }

    /// <summary>How many sentinels there are.</summary>
    public int Sentinels { get; init; } = 100;

    /// <summary>The id that ends source and target; null for none.</summary>
    public int? EndId { get; init; }

    /// <summary>The share of ids that are taken out, in (0, 1).</summary>
    public double Noise { get; init; } = 0.15;

    /// <summary>The mean length of a span, at least 1.</summary>
    public double MeanSpan { get; init; } = 3;

    /// <summary>The pair of a text of at least two ids.</summary>
    public TokenSequencePair Corrupt(ReadOnlySpan<int> ids, Philox random)
    {
        Require.That(Noise is > 0 and < 1 && MeanSpan >= 1,
            $"span_corruption: noise must be in (0, 1) and spans at least 1 long, but they are {Noise} and {MeanSpan}");
        Require.That(ids.Length >= 2, $"span_corruption: a text needs at least 2 ids, but it has {ids.Length}");
        int noise = Math.Clamp((int)Math.Round(ids.Length * Noise), 1, ids.Length - 1);
        int spans = Math.Min(Math.Clamp((int)Math.Round(noise / MeanSpan), 1, noise), Math.Min(ids.Length - noise, Sentinels - 1));
        Require.That(spans > 0, $"span_corruption: {Sentinels} sentinels leave no span, since the last of them ends the target");
        int[] taken = Parts(noise, spans, random.Split(0)), kept = Parts(ids.Length - noise, spans, random.Split(1));
        List<int> source = [], target = [];
        for (int span = 0, at = 0; span < spans; span++)
        {
            source.AddRange(ids.Slice(at, kept[span]));
            at += kept[span];
            source.Add(FirstSentinel - span);
            target.Add(FirstSentinel - span);
            target.AddRange(ids.Slice(at, taken[span]));
            at += taken[span];
        }
        target.Add(FirstSentinel - spans);
        if (EndId is { } end)
        {
            source.Add(end);
            target.Add(end);
        }
        return new TokenSequencePair(source.ToArray(), target.ToArray());
    }

    // A whole number as a sum of positive ones: which of the places between are cut is drawn, each choice as likely as another.
    private static int[] Parts(int total, int parts, Philox random)
    {
        List<int> cuts = [];
        for (int place = 1, left = parts - 1; left > 0; place++)
        {
            if (random.Below(total - place, (ulong)place) < left)
            {
                cuts.Add(place);
                left--;
            }
        }
        cuts.Add(total);
        return [.. cuts.Select((cut, i) => cut - (i == 0 ? 0 : cuts[i - 1]))];
    }
}
