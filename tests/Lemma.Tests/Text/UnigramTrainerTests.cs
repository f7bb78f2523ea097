using CsCheck;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>The lattice of a unigram trainer beside its naive twin, which looks at every substring and every cut.</summary>
public sealed class UnigramTrainerTests
{
    private static readonly Gen<string[]> Words =
        Gen.OneOf("a", "b", "ab", "ba", "c", "é", "😀", "aa").Array[1, 5].Select(string.Concat).Array[1, 5];

    [Fact]
    public void Seeds_are_all_characters_and_what_occurs_twice() => Words.Sample(words =>
    {
        PieceLattice lattice = LatticeOf(words, longest: 4);
        Dictionary<string, int> counts = [];
        foreach (string piece in words.SelectMany(word => Substrings(word, 4)))
            counts[piece] = counts.GetValueOrDefault(piece) + 1;
        string[] expected = [.. counts.Where(piece => piece.Value >= 2 || IsCharacter(piece.Key)).Select(piece => piece.Key)
            .Order(StringComparer.Ordinal)];
        Assert.Equal(expected, Enumerable.Range(0, lattice.Count).Select(lattice.TextOf));
        double total = expected.Sum(piece => counts[piece] * piece.Length);
        for (int id = 0; id < expected.Length; id++)
        {
            Assert.Equal(IsCharacter(expected[id]), lattice.IsRequired[id]);
            Assert.Equal(Math.Log(counts[expected[id]] * expected[id].Length / total), lattice.Scores[id], 1e-9);
        }
    }, iter: 300);

    [Fact]
    public void Of_too_many_seeds_those_stay_that_stand_for_most_text()
    {
        WordTexts words = new([KeyValuePair.Create("abcab", 10L), KeyValuePair.Create("xy", 2L), KeyValuePair.Create("zab", 1L)]);
        PieceLattice lattice = new(words, new SeedPieces(words, 3, 8, []));
        Assert.Equal(["a", "ab", "abc", "b", "c", "x", "y", "z"], Enumerable.Range(0, lattice.Count).Select(lattice.TextOf));
    }

    [Fact]
    public void Expected_counts_are_those_of_all_cuts() => Words.Sample(words =>
    {
        PieceLattice lattice = LatticeOf(words, longest: 4);
        double[] expected = new double[lattice.Count], counts = new double[lattice.Count];
        string[] pieces = [.. Enumerable.Range(0, lattice.Count).Select(lattice.TextOf)];
        foreach (IGrouping<string, string> word in words.GroupBy(word => word))
        {
            int[][] cuts = [.. Cuts(pieces, word.Key)];
            double[] probabilities = [.. cuts.Select(cut => Math.Exp(cut.Sum(id => lattice.Scores[id])))];
            for (int cut = 0; cut < cuts.Length; cut++)
                foreach (int id in cuts[cut])
                    expected[id] += word.Count() * probabilities[cut] / probabilities.Sum();
        }
        new LatticeSums(lattice).Expect(0, lattice.Words.Count, counts);
        Assert.All(expected.Zip(counts), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }, iter: 200);

    [Fact]
    public void Sums_beyond_the_range_of_numbers_are_those_within_it()
    {
        // One piece a character: every expected count is known, whatever the way to add.
        string word = string.Concat(Enumerable.Repeat("abcd", 5_000));
        PieceLattice lattice = LatticeOf([word], longest: 1);
        double[] counts = new double[lattice.Count];
        new LatticeSums(lattice).Expect(0, 1, counts);
        Assert.All(counts, count => Assert.Equal(5_000, count, 1e-4));

        // The same cuts with probabilities that are small enough to need logarithms.
        PieceLattice near = LatticeOf(["abcabcab", "abab", "cab"], longest: 3), far = LatticeOf(["abcabcab", "abab", "cab"], longest: 3);
        far.Keep([.. Enumerable.Range(0, far.Count)],
            [.. Enumerable.Range(0, far.Count).Select(id => far.Scores[id] - (300.0 * far.Lengths[id]))]);
        double[] nearCounts = new double[near.Count], farCounts = new double[far.Count];
        new LatticeSums(near).Expect(0, 3, nearCounts);
        new LatticeSums(far).Expect(0, 3, farCounts);
        Assert.All(nearCounts.Zip(farCounts), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact]
    public void The_best_way_is_the_best_of_all_cuts() => Words.Sample(words =>
    {
        PieceLattice lattice = LatticeOf(words, longest: 4);
        string[] pieces = [.. Enumerable.Range(0, lattice.Count).Select(lattice.TextOf)];
        BestWay best = new(lattice);
        for (int id = 0; id < lattice.Count; id++)
        {
            best.Find(lattice.SampleOf(id), lattice.Lengths[id], excluded: id);
            double[] scores = [.. Cuts(pieces, pieces[id]).Where(cut => !cut.Contains(id)).Select(cut => cut.Sum(part => lattice.Scores[part]))];
            Assert.Equal(scores.DefaultIfEmpty(double.NegativeInfinity).Max(), best.Score, 1e-9);
            Assert.Equal(scores.Length == 0 ? "" : pieces[id], string.Concat(best.Ids.Select(part => pieces[part]).Reverse()));
        }
    }, iter: 100);

    [Fact]
    public void Dropped_pieces_leave_no_edge() => Words.Sample(words =>
    {
        PieceLattice lattice = LatticeOf(words, longest: 4);
        int[] kept = [.. Enumerable.Range(0, lattice.Count).Where(id => lattice.IsRequired[id] || id % 2 == 0)];
        string[] pieces = [.. kept.Select(lattice.TextOf)];
        lattice.Keep(kept, new double[kept.Length]);
        Assert.Equal(pieces, Enumerable.Range(0, lattice.Count).Select(lattice.TextOf));
        for (int place = 0; place < lattice.Words.Text.Length; place++)
        {
            string rest = new(lattice.Words.Text, place, lattice.Words.EndAt(place) - place);
            Assert.Equal(pieces.Where(piece => rest.StartsWith(piece, StringComparison.Ordinal)).OrderBy(piece => piece.Length),
                lattice.Edges[lattice.FirstEdge[place]..lattice.FirstEdge[place + 1]].Select(edge => pieces[edge.Id]));
        }
    }, iter: 200);

    private static PieceLattice LatticeOf(string[] words, int longest)
    {
        WordTexts texts = new([.. words.GroupBy(word => word).Select(word => KeyValuePair.Create(word.Key, (long)word.Count()))]);
        return new PieceLattice(texts, new SeedPieces(texts, longest, int.MaxValue, []));
    }

    private static bool IsCharacter(string piece) => piece.Length == (char.IsHighSurrogate(piece[0]) ? 2 : 1);

    private static IEnumerable<string> Substrings(string word, int longest) =>
        from start in Enumerable.Range(0, word.Length)
        from length in Enumerable.Range(1, Math.Min(longest, word.Length - start))
        where !char.IsLowSurrogate(word[start]) && !char.IsHighSurrogate(word[start + length - 1])
        select word.Substring(start, length);

    private static IEnumerable<int[]> Cuts(string[] pieces, string text) => text.Length == 0 ? [[]]
        : from id in Enumerable.Range(0, pieces.Length)
          where text.StartsWith(pieces[id], StringComparison.Ordinal)
          from rest in Cuts(pieces, text[pieces[id].Length..])
          select (int[])[id, .. rest];
}
