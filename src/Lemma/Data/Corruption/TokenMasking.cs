using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>BERT's masks: some ids are asked for, most of them hidden by the mask, some by a random id, some left as they are.</summary>
/// <remarks>Devlin et al. 2018, section 3.1: 15 % of the ids, of which 80, 10 and 10 %. Which ids is drawn a text and epoch.</remarks>
public sealed record TokenMasking
{
    /// <summary>The id of the mask.</summary>
    public required int MaskId { get; init; }

    /// <summary>Ids that stay: those that begin, part and end a text.</summary>
    public IReadOnlyCollection<int> SpecialIds { get; init; } = [];

    /// <summary>How many ids a random one is drawn from: those below.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The share of ids that are asked for, in (0, 1).</summary>
    public double Share { get; init; } = 0.15;

    /// <summary>Of these, the share that the mask hides.</summary>
    public double Masked { get; init; } = 0.8;

    /// <summary>Of these, the share that a random id hides.</summary>
    public double Random { get; init; } = 0.1;

    /// <summary>Hides ids in their place and writes the target of each, −100 where nothing is asked; at least one is asked for where one can be.</summary>
    public void Mask(Span<int> ids, Span<int> targets, Philox random)
    {
        Require.That(Share is > 0 and < 1 && Masked >= 0 && Random >= 0 && Masked + Random <= 1,
            $"masking: shares must be in (0, 1) and sum to at most 1, but they are {Share}, {Masked} and {Random}");
        targets.Fill(CrossEntropy.Ignore);
        int asked = 0, seen = 0, last = -1;
        for (int i = 0; i < ids.Length; i++)
        {
            if (SpecialIds.Contains(ids[i]))
                continue;
            // Each that can be hidden is as likely the one that is asked for where none is drawn.
            last = random.Split(3).Below(++seen, (ulong)i) == 0 ? i : last;
            if (random.Split(0).Uniform((ulong)i) < Share)
            {
                Hide(ids, targets, i, random);
                asked++;
            }
        }
        if (asked == 0 && last >= 0)
            Hide(ids, targets, last, random);
    }

    private void Hide(Span<int> ids, Span<int> targets, int place, Philox random)
    {
        targets[place] = ids[place];
        double kind = random.Split(1).Uniform((ulong)place);
        if (kind < Masked)
            ids[place] = MaskId;
        else if (kind < Masked + Random)
            ids[place] = random.Split(2).Below(VocabularySize, (ulong)place);
    }
}
