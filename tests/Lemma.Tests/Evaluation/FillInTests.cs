using Lemma.Evaluation;
using Lemma.Models;

namespace Lemma.Tests.Evaluation;

/// <summary>Hidden tokens guessed by both sides: as the product of all probabilities has it, with hidden neighbours cut off.</summary>
public class FillInTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void AGuessIsTheIdOfTheLargestProduct(int order)
    {
        NGramMarks marks = NGramMarks.Same(9);
        ReadOnlyMemory<int>[] documents = [.. Enumerable.Range(0, 60).Select(i => (ReadOnlyMemory<int>)Ids((ulong)i, 12))];
        NGramModel model = NGramModel.Estimate(NGramCounts.Count(documents, order, 10, marks), new KneserNeySmoothing());
        for (ulong text = 100; text < 120; text++)
        {
            int[] ids = Ids(text, 14);
            bool[] isHidden = [.. Enumerable.Range(0, 14).Select(i => new Lemma.Formulas.Philox(text, 5).Uniform((ulong)i) < 0.3)];
            for (int place = 0; place < ids.Length; place++)
            {
                isHidden[place] = true;
                int from = place, to = place + 1;
                while (from > 0 && !isHidden[from - 1])
                    from--;
                while (to < ids.Length && !isHidden[to])
                    to++;
                // The whole stretch with v in its place: what does not depend on v changes no order.
                double Product(int v)
                {
                    int[] stretch = [.. from == 0 ? (int[])[9] : [], .. ids[from..place], v, .. ids[(place + 1)..to]];
                    int first = place - from + (from == 0 ? 1 : 0);
                    double p = 1;
                    for (int i = first; i < stretch.Length && i - first < order; i++)
                        p *= model.Probability(stretch.AsSpan(Math.Max(0, i - order + 1)..i), stretch[i]);
                    return p;
                }
                int guess = FillIn.Guess(model, ids, isHidden, place);
                Assert.Equal(Enumerable.Range(0, 10).Max(Product), Product(guess), 1e-12);
            }
        }
    }

    [Fact]
    public void BothSidesTellMoreThanOne()
    {
        // "a x b" and "c x d" tell nothing of x from one side, all from both.
        ReadOnlyMemory<int>[] documents = [.. Enumerable.Range(0, 50).SelectMany(_ => (ReadOnlyMemory<int>[])[new[] { 0, 2, 1 }, new[] { 0, 3, 4 }, new[] { 5, 3, 1 }])];
        NGramModel model = NGramModel.Estimate(NGramCounts.Count(documents, 3, 6, default), new KneserNeySmoothing());
        Assert.Equal(2, FillIn.Guess(model, [0, 0, 1], [false, true, false], 1));
        Assert.Equal(3, FillIn.Guess(model, [0, 0, 4], [false, true, false], 1));
        Assert.Equal(3, FillIn.Guess(model, [5, 0, 1], [false, true, false], 1));
        Assert.Throws<ArgumentException>(() => FillIn.Guess(model, [5, 0, 1], [false, true], 1));
    }

    private static int[] Ids(ulong seed, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (int)(new Lemma.Formulas.Philox(seed, 1).Uniform((ulong)(i / 2 + i % 3)) * 9))];
}
