using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Tests.Models.NGram;

/// <summary>N-gram models beside dictionaries and recursion, KenLM's own example, and each other.</summary>
public class NGramModelTests
{
    private const int Vocabulary = 11;

    public static TheoryData<string, int, int?, int?> Cases
    {
        get
        {
            TheoryData<string, int, int?, int?> cases = [];
            foreach (string smoothing in (string[])["add-k", "katz", "kneser-ney", "modified"])
            {
                foreach (int order in (int[])[1, 2, 3, 5])
                {
                    cases.Add(smoothing, order, 10, 10);
                    cases.Add(smoothing, order, 9, 10);
                    cases.Add(smoothing, order, null, null);
                    cases.Add(smoothing, order, null, 10);
                    cases.Add(smoothing, order, 10, null);
                }
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void ProbabilitiesAreThoseOfDictionariesAndSumToOne(string name, int order, int? begin, int? end)
    {
        NGramMarks marks = new(begin, end);
        int[][] training = Documents(1, 40), others = Documents(2, 12);
        NaiveNGram naive = new(training, order, Vocabulary, marks);
        NGramSmoothing smoothing = Smoothing(name);
        NGramModel model = NGramModel.Estimate(NGramCounts.Count([.. training.Select(one => (ReadOnlyMemory<int>)one)], order, Vocabulary, marks), smoothing);
        double[] row = new double[Vocabulary];
        (double expected, double nats) = (0, 0);
        foreach (int[] document in others)
        {
            int[] text = naive.Marked(document);
            NGramState state = model.Begin;
            for (int place = begin is null ? 0 : 1; place < text.Length; place++)
            {
                int[] context = naive.Context(text, place);
                Assert.Equal(state, model.After(context));
                model.Distribution(state, row);
                Assert.Equal(1, row.Sum(), 1e-12);
                foreach (int word in naive.Words)
                {
                    double p = Naive(naive, name, context, word);
                    Assert.Equal(p, model.Probability(state, word), 1e-12 * p);
                    Assert.Equal(row[word], model.Probability(state, word), 1e-15);
                }
                expected -= Math.Log(Naive(naive, name, context, text[place]));
                state = model.Next(state, text[place]);
            }
            nats += model.Score(document).Nats;
        }
        Assert.Equal(expected, nats, 1e-9 * expected);
        PerplexityResult result = NGramEvaluator.Evaluate(model, [.. others.Select(one => (ReadOnlyMemory<int>)one)]);
        Assert.Equal(Math.Exp(expected / result.Tokens), result.Perplexity, 1e-9 * result.Perplexity);
        Assert.Equal(others.Sum(one => one.Length + (end is null ? 0 : 1)), result.Tokens);
    }

    [Fact]
    public void TheProbabilitiesAreThoseOfKenLm()
    {
        // kenlm (commit 4cb443e), lm/common/test_data: lmplz --discount_fallback -o 3 on "a a b a" and "b a a b" gave toy0.arpa.
        string[] words = ["<unk>", "<s>", "</s>", "a", "b"];
        int[] Ids(string text) => [.. text.Split(' ').Select(word => Array.IndexOf(words, word))];
        NGramCounts counts = NGramCounts.Count([Ids("a a b a"), Ids("b a a b")], 3, 5, new NGramMarks(1, 2));
        Assert.Equal(1, counts.CountOf(Ids("b a </s>")));
        Assert.Equal((0, 2), (counts.CountOf(Ids("<s>")), counts.CountOf(Ids("</s>"))));
        Assert.Equal(7, counts.Distinct(2));
        NGramModel model = NGramModel.Estimate(counts, new KneserNeySmoothing());
        (string Gram, double Log)[] expected =
        [
            ("<unk>", -0.90309), ("a", -0.46943438), ("</s>", -0.5720968), ("b", -0.5720968),
            ("<s> a", -0.37712017), ("a a", -0.37712017), ("b a", -0.2984526), ("a </s>", -0.58682007), ("b </s>", -0.5220179), ("<s> b", -0.41574955), ("a b", -0.58682007),
            ("<s> a a", -0.14885087), ("b a a", -0.33741078), ("<s> b a", -0.124077894), ("a b a", -0.2997394), ("b a </s>", -0.42082912), ("a b </s>", -0.397617),
            ("a a b", -0.20102891),
        ];
        foreach ((string gram, double log) in expected)
            Assert.Equal(log, Math.Log10(model.Probability(Ids(gram).AsSpan(..^1), Ids(gram)[^1])), 1e-6);
        // A factor that is -0.30103 in the file: of "a a", which "a" does not follow there.
        Assert.Equal(-0.37712017 - 0.30103, Math.Log10(model.Probability(Ids("a a"), Ids("a")[0])), 1e-6);
        Assert.Equal([0.5, 1, 1.5], model.Discounts[0]);
    }

    [Fact]
    public void ModifiedKneserNeyBeatsTheOthersOnStories()
    {
        Tokenizer tokenizer = BpeTrainer.Train(new StorySource(1).Range(0, 100).Select(story => story.Text), new BpeTrainerOptions { VocabularySize = 400 });
        ReadOnlyMemory<int>[] Read(long first, long count) =>
            [.. new StorySource(1).Range(first, count).Select(story => (ReadOnlyMemory<int>)tokenizer.Encode(story.Text, addSpecialTokens: false))];
        NGramCounts counts = NGramCounts.Count(Read(0, 300), 4, 401, NGramMarks.Same(400));
        ReadOnlyMemory<int>[] others = Read(1L << 40, 60);
        double Loss(NGramSmoothing smoothing) => NGramEvaluator.Evaluate(NGramModel.Estimate(counts, smoothing), others).Loss;
        double modified = Loss(new KneserNeySmoothing()), plain = Loss(new KneserNeySmoothing { Modified = false }), katz = Loss(new KatzSmoothing()),
            addK = Loss(new AddKSmoothing(0.01));
        Assert.True(modified < katz && plain < katz && katz < addK && addK < Math.Log(401), $"{modified}, {plain}, {katz}, {addK}");
    }

    [Fact]
    public void ARunIsItsDocuments()
    {
        int[][] documents = Documents(5, 30);
        foreach (int? begin in (int?[])[10, 9, null])
        {
            NGramMarks marks = new(begin, 10);
            int[] run = [.. documents.SelectMany(document => (int[])[.. document, 10])];
            NGramModel apart = NGramModel.Estimate(NGramCounts.Count(documents.Select(one => (ReadOnlyMemory<int>)one), 3, Vocabulary, marks), new KneserNeySmoothing());
            int[][] runs = begin == 10 ? [run, [10, .. run]] : [run];
            foreach (int[] ids in runs)
            {
                NGramModel one = NGramModel.Estimate(NGramCounts.CountRun(ids, 3, Vocabulary, marks), new KneserNeySmoothing());
                Assert.Equal(apart.Score(documents[3]), one.Score(documents[3]));
            }
        }
        // A mark in the middle of windows begins anew; targets below 0 do not count.
        NGramModel model = Estimate(3, new KneserNeySmoothing());
        int[] inputs = [10, 1, 2, 10, 3, 4, 5, 6], targets = [1, 2, 10, 3, 4, -100, 6, 7];
        double expected = -Math.Log(model.Probability([10], 1) * model.Probability([10, 1], 2) * model.Probability([1, 2], 10) * model.Probability([10], 3)
            * model.Probability([3], 4) * model.Probability([4, 5], 6) * model.Probability([5, 6], 7));
        PerplexityResult result = NGramEvaluator.EvaluateWindows(model, inputs, targets, 4);
        Assert.Equal((7, expected), (result.Tokens, result.TotalNats), EqualityComparer<(long, double)>.Create((a, b) => a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-9));
    }

    [Theory, InlineData(3), InlineData(5)]
    public void PruningTakesWhatChangesLeastAndDistributionsStillSumToOne(int order)
    {
        NGramModel model = Estimate(order, new KatzSmoothing());
        ReadOnlyMemory<int>[] own = [.. Documents(1, 60).Select(one => (ReadOnlyMemory<int>)one)];
        long before = long.MaxValue;
        double first = NGramEvaluator.Evaluate(model, own).Loss, loss = 0;
        foreach (double threshold in (double[])[1e-12, 1e-5, 1e-3, 10])
        {
            NGramModel pruned = model.Pruned(threshold);
            long left = Enumerable.Range(2, order - 1).Sum(pruned.Count);
            Assert.True(left < before || (threshold == 1e-12 && left <= before), $"{left} of {before}");
            (before, loss) = (left, NGramEvaluator.Evaluate(pruned, own).Loss);
            double[] row = new double[Vocabulary];
            foreach (ReadOnlyMemory<int> document in own[..10])
            {
                NGramState state = pruned.Begin;
                foreach (int id in document.Span)
                {
                    pruned.Distribution(state, row);
                    Assert.Equal(1, row.Sum(), 1e-9);
                    state = pruned.Next(state, id);
                }
            }
        }
        Assert.Equal(0, before);
        Assert.True(loss > first + 0.1, $"{loss} after {first}");
    }

    [Fact]
    public void SamplesComeAsOftenAsTheyAreLikely()
    {
        NGramModel model = Estimate(3, new KneserNeySmoothing());
        Assert.Equal(model.Sample([], 50, 7), model.Sample([], 50, 7));
        Assert.NotEqual(model.Sample([], 50, 7), model.Sample([], 50, 8));
        int[] firsts = new int[Vocabulary];
        const int Times = 20000;
        for (int seed = 0; seed < Times; seed++)
            firsts[model.Sample([3], 1, (ulong)seed) is [int first] ? first : 10]++;
        for (int id = 0; id < Vocabulary; id++)
            Assert.Equal(model.Probability([10, 3], id), firsts[id] / (double)Times, 0.015);
        int[] greedy = model.Sample([3], 1, 1, temperature: 0);
        Assert.Equal(Enumerable.Range(0, Vocabulary).MaxBy(id => model.Probability([10, 3], id)), greedy is [int one] ? one : 10);
        double hot = Enumerable.Range(0, 2000).Select(seed => model.Sample([3], 1, (ulong)seed, 0.2) is [int first] ? first : 10)
            .Count(id => id == (greedy is [int likeliest] ? likeliest : 10)) / 2000.0;
        Assert.True(hot > model.Probability([10, 3], greedy is [int most] ? most : 10) + 0.05, $"{hot}");
    }

    [Fact]
    public void WrongCallsAreNamed()
    {
        Assert.Contains("order must be from 1 to 8, but it is 9", Wrong(() => NGramCounts.Count([new int[] { 1 }], 9, 3, default)), StringComparison.Ordinal);
        Assert.Contains("id 3 is not in the vocabulary of 3", Wrong(() => NGramCounts.Count([new int[] { 3 }], 2, 3, default)), StringComparison.Ordinal);
        Assert.Contains("the mark 7 is not in the vocabulary of 3", Wrong(() => NGramCounts.Count([], 2, 3, new(7, null))), StringComparison.Ordinal);
        Assert.Contains("has the mark 2 inside", Wrong(() => NGramCounts.Count([new int[] { 1, 2 }], 2, 3, new(null, 2))), StringComparison.Ordinal);
        Assert.Contains("at least one id to predict", Wrong(() => NGramCounts.Count([ReadOnlyMemory<int>.Empty], 2, 3, new(2, null))), StringComparison.Ordinal);
        NGramModel model = Estimate(3, new AddKSmoothing());
        Assert.Contains("id 11 is not in the vocabulary", Wrong(() => model.Probability([1], 11)), StringComparison.Ordinal);
        Assert.Contains("room for 3", Wrong(() => model.Distribution(default, new double[3])), StringComparison.Ordinal);
        Assert.Contains("none of its n-grams can go", Wrong(() => model.Pruned(1e-3)), StringComparison.Ordinal);
        Assert.Contains("k must be above 0, but it is 0", Wrong(() => Estimate(2, new AddKSmoothing(0))), StringComparison.Ordinal);
        Assert.Contains("threshold must be from 1 to 999, but it is 0", Wrong(() => Estimate(2, new KatzSmoothing(0))), StringComparison.Ordinal);
    }

    private static string Wrong(Action call) => Assert.Throws<ArgumentException>(call).Message;

    private static NGramModel Estimate(int order, NGramSmoothing smoothing) => NGramModel.Estimate(
        NGramCounts.Count(Documents(1, 60).Select(one => (ReadOnlyMemory<int>)one), order, Vocabulary, NGramMarks.Same(10)), smoothing);

    private static NGramSmoothing Smoothing(string name) => name switch
    {
        "add-k" => new AddKSmoothing(0.3),
        "katz" => new KatzSmoothing(),
        _ => new KneserNeySmoothing { Modified = name == "modified" },
    };

    private static double Naive(NaiveNGram naive, string name, int[] context, int word) => name switch
    {
        "add-k" => naive.AddK(context, word, 0.3),
        "katz" => naive.Katz(context, word, 5),
        _ => naive.KneserNey(context, word, name == "modified"),
    };

    // Ids 0 to 7 by a chain that likes some; 8 never comes; some documents are empty.
    private static int[][] Documents(ulong seed, int count) => [.. Enumerable.Range(0, count).Select(number =>
    {
        Philox random = new(seed, (ulong)number);
        int[] ids = new int[random.Below(24, 1000)];
        for (int i = 0; i < ids.Length; i++)
        {
            double u = random.Uniform((ulong)i);
            ids[i] = i > 0 && u < 0.6 ? (ids[i - 1] * 3 + (i > 1 ? ids[i - 2] : 0) + (u < 0.15 ? 1 : 0)) % 8 : (int)(8 * u * u);
        }
        return ids;
    })];
}
