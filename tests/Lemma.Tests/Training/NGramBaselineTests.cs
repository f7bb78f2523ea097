using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>What n-gram models reach on what a recipe is judged by.</summary>
public class NGramBaselineTests
{
    [Theory]
    [InlineData(1, null), InlineData(2, null), InlineData(2, 1)]
    public void ARunsBaselineIsTheMeanOverTheJudgedPredictions(int order, int? batches)
    {
        int[] ids = [.. Enumerable.Range(0, 33).Select(i => (i * i + i / 5) % 7)];
        NGramModel model = NGramModel.Estimate(NGramCounts.CountRun(ids, order, 7, default), new KneserNeySmoothing());
        using Decoder decoder = new(Presets.Llama(7, width: 16, layers: 1, heads: 2, hidden: 16, length: 4));
        decoder.Initialize(1);
        TokenDataset data = new(ids);
        PretrainingOptions options = new() { Batch = 3, Length = 4, EvaluationBatches = batches };
        PerplexityResult baseline = new Pretraining(decoder, data, data, options).Baseline(model);
        // All seven windows of four, or the first batch of three; the one id that a bigram asks for is in the window.
        (int[] read, int[] asked) = new BatchSource(data, length: 4, batch: batches is null ? 7 : 3, seed: 0).At(0);
        double nats = 0;
        for (int i = 0; i < asked.Length; i++)
            nats -= Math.Log(model.Probability(order == 1 ? [] : read.AsSpan(i, 1), asked[i]));
        Assert.Equal(asked.Length, baseline.Tokens);
        Assert.Equal(nats, baseline.TotalNats, 1e-9);
    }

    [Fact]
    public void HiddenIdsAreFilledByWhatTheCountsSay()
    {
        using Encoder encoder = new(Presets.Bert(10, width: 16, layers: 1, heads: 2, hidden: 16, length: 32));
        encoder.Initialize(1);
        MaskedModelingOptions options = new() { Masking = new TokenMasking { MaskId = 2, SpecialIds = [0, 1], VocabularySize = 10 }, RowsOfPass = 128 };
        MaskedText[] texts = [.. Enumerable.Range(0, 12).Select(i => new MaskedText(Text(i % 3 == 0 ? 6 : 5)))];
        MaskedModeling recipe = new(encoder, texts, texts, options), even = new(encoder, texts, [texts[0], texts[3]], options);
        Assert.Equal((1, 0), (even.FilledBy(Unigram(6)), even.FilledBy(Unigram(5))));
        double sixes = recipe.FilledBy(Unigram(6)), fives = recipe.FilledBy(Unigram(5));
        Assert.InRange(sixes, 0.05, 0.7);
        Assert.Equal(1, sixes + fives, 1e-12);

        static int[] Text(int id) => [0, .. Enumerable.Repeat(id, 20), 1];

        static NGramModel Unigram(int id) => NGramModel.Estimate(NGramCounts.CountRun(Enumerable.Repeat(id, 30).ToArray(), 1, 10, default), new AddKSmoothing());
    }
}
