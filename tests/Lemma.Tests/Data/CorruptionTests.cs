using Lemma.Data;
using Lemma.Formulas;

namespace Lemma.Tests.Data;

/// <summary>Texts with parts taken out: what is left and what is asked for make the text again, and shares are those that were asked for.</summary>
public class CorruptionTests
{
    private static readonly int[] Text = [.. Enumerable.Range(0, 400).Select(i => 10 + i % 90)];

    [Theory, InlineData(2, 0.15), InlineData(3, 0.5), InlineData(50, 0.15), InlineData(400, 0.3)]
    public void SpansThatWereTakenOutStandBehindTheirSentinels(int length, double noise)
    {
        SpanCorruption corruption = new() { FirstSentinel = 199, EndId = 1, Noise = noise };
        HashSet<string> seen = [];
        for (ulong seed = 0; seed < 20; seed++)
        {
            TokenSequencePair pair = corruption.Corrupt(Text.AsSpan(0, length), new Philox(seed));
            Assert.Equal([1, 1], new[] { pair.Source.Span[^1], pair.Target.Span[^1] });
            List<int[]> source = Split(pair.Source.Span[..^1]), target = Split(pair.Target.Span[..^1]);
            // The first part of a target is empty, and its last sentinel has nothing behind it.
            Assert.Empty(target[0]);
            Assert.Empty(target[^1]);
            Assert.Empty(source[^1]);
            Assert.Equal(source.Count + 1, target.Count);
            Assert.Equal(Text[..length], source.Zip(target.Skip(1)).SelectMany(parts => parts.First.Concat(parts.Second)));
            Assert.Equal(Math.Clamp((int)Math.Round(length * noise), 1, length - 1), target.Sum(part => part.Length));
            seen.Add(string.Join(' ', pair.Source.ToArray()));
        }
        Assert.True(length < 4 || seen.Count > 10, $"{seen.Count} different");
        Assert.Equal(corruption.Corrupt(Text, new Philox(3)).Source.ToArray(), corruption.Corrupt(Text, new Philox(3)).Source.ToArray());

        static List<int[]> Split(ReadOnlySpan<int> ids)
        {
            List<int[]> parts = [];
            int sentinel = 199, begin = 0;
            for (int i = 0; i < ids.Length; i++)
            {
                if (ids[i] != sentinel)
                    continue;
                parts.Add(ids[begin..i].ToArray());
                (sentinel, begin) = (sentinel - 1, i + 1);
            }
            parts.Add(ids[begin..].ToArray());
            return parts;
        }
    }

    [Fact]
    public void InfillingKeepsTheRestInOrder()
    {
        TextInfilling infilling = new() { MaskId = 3 };
        double taken = 0, masks = 0;
        for (ulong seed = 0; seed < 50; seed++)
        {
            TokenSequencePair pair = infilling.Corrupt(Text, new Philox(seed), before: 1, after: 1);
            Assert.Equal(Text, pair.Target.ToArray());
            int[] kept = [.. pair.Source.ToArray().Where(id => id != 3)];
            Assert.Equal((Text[0], Text[^1]), (kept[0], kept[^1]));
            int at = 0;
            foreach (int id in kept)
                at = Array.IndexOf(Text, id, at) + 1;
            Assert.True(at > 0 && pair.Source.Length > kept.Length);
            (taken, masks) = (taken + Text.Length - kept.Length, masks + pair.Source.Length - kept.Length);
        }
        Assert.InRange(taken / (50.0 * Text.Length), 0.2, 0.3);
        Assert.InRange(taken / masks, 2.3, 3.7);
        Assert.NotEmpty(infilling.Corrupt(new[] { 0, 7, 2 }, new Philox(1), 1, 1).Source.ToArray());
        Assert.Contains("leave none of 2", Assert.Throws<ArgumentException>(() => infilling.Corrupt(new[] { 0, 2 }, new Philox(1), 1, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MasksHaveTheSharesOfBert()
    {
        TokenMasking masking = new() { MaskId = 3, SpecialIds = [10, 11], VocabularySize = 200 };
        double asked = 0, masked = 0, same = 0, free = 0;
        for (ulong seed = 0; seed < 200; seed++)
        {
            int[] ids = [.. Text], targets = new int[ids.Length];
            masking.Mask(ids, targets, new Philox(seed));
            for (int i = 0; i < ids.Length; i++)
            {
                bool isSpecial = Text[i] is 10 or 11;
                free += isSpecial ? 0 : 1;
                if (targets[i] == CrossEntropy.Ignore)
                {
                    Assert.Equal(Text[i], ids[i]);
                    continue;
                }
                Assert.False(isSpecial);
                Assert.Equal(Text[i], targets[i]);
                (asked, masked, same) = (asked + 1, masked + (ids[i] == 3 ? 1 : 0), same + (ids[i] == Text[i] ? 1 : 0));
            }
        }
        Assert.InRange(asked / free, 0.145, 0.155);
        Assert.InRange(masked / asked, 0.79, 0.81);
        Assert.InRange(same / asked, 0.095, 0.11);
        int[] two = [10, 50], wanted = new int[2];
        masking.Mask(two, wanted, new Philox(5));
        Assert.Equal([-100, 50], wanted);
    }
}
