using Lemma.Compute;
using Lemma.Evaluation;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Evaluation;

public class PerplexityTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 61).Select(i => i * i % 19)];

    [Theory]
    [InlineData(16, 16)]
    [InlineData(16, 5)]
    [InlineData(7, 3)]
    [InlineData(16, 1)]
    [InlineData(1, 1)]
    public void EachTokenCountsOnceWithTheContextOfItsWindow(int length, int stride)
    {
        using Workers workers = new(1);
        using Decoder decoder = new(Presets.Llama(19, width: 16, layers: 2, heads: 2, hidden: 32, length: 16));
        decoder.Initialize(3);
        double expected = 0;
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        int predicted = Ids.Length - 1;
        for (int target = 1; target <= predicted; target++)
        {
            int window = target <= length ? 0 : (target - length + stride - 1) / stride;
            Tensor logits = decoder.Logits(tape, Rows.One(Ids.AsMemory(window * stride, target - window * stride)));
            float[] row = tape[logits][^19..].ToArray();
            expected -= row[Ids[target]] - Math.Log(row.Sum(logit => Math.Exp(logit)));
            tape.Rewind();
        }
        PerplexityResult result = PerplexityEvaluator.Evaluate(decoder, workers, Ids, length, stride);
        Assert.Equal(60, result.Tokens);
        Assert.Equal(expected, result.TotalNats, 1e-3);
        Assert.Equal(Math.Exp(expected / 60), result.Perplexity, 1e-3);
    }

    [Fact]
    public void AStrideOfTheWholeWindowGivesTheBitsOfDisjointWindows()
    {
        using Workers workers = new(2);
        using Decoder decoder = Model();
        double expected = 0;
        for (int begin = 0; begin < Ids.Length - 1; begin += 16)
            expected += Loss(decoder, workers, begin, begin, Math.Min(begin + 16, Ids.Length - 1));
        Assert.Equal(expected, PerplexityEvaluator.Evaluate(decoder, workers, Ids, 16, 16).TotalNats);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(5)]
    public void AStrideOfOneGivesTheBitsOfAWindowAToken(int length)
    {
        using Workers workers = new(2);
        using Decoder decoder = Model();
        double expected = Loss(decoder, workers, 0, 0, length);
        for (int end = length + 1; end < Ids.Length; end++)
            expected += Loss(decoder, workers, end - length, end - 1, end);
        Assert.Equal(expected, PerplexityEvaluator.Evaluate(decoder, workers, Ids, length, 1).TotalNats);
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(16, 7)]
    [InlineData(9, 1)]
    public void TheBitsDoNotDependOnTheThreads(int length, int stride)
    {
        using Decoder decoder = Model();
        double[] nats = [.. Enumerable.Range(1, 4).Select(threads =>
        {
            using Workers workers = new(threads);
            return PerplexityEvaluator.Evaluate(decoder, workers, Ids, length, stride).TotalNats;
        })];
        Assert.All(nats, one => Assert.Equal(nats[0], one));
    }

    [Fact]
    public void EveryTokenHasTheContextThatTheStrideLeaves()
    {
        using Workers workers = new(1);
        using Decoder decoder = Model();
        // Where a window of 12 moves by 5, a token is read behind at least 12 − 5 others: another first id of a text changes no later window.
        int[] other = [18, .. Ids[1..]];
        double nats = PerplexityEvaluator.Evaluate(decoder, workers, Ids, 12, 5).TotalNats, first = Loss(decoder, workers, 0, 0, 12);
        double expected = nats - first + Loss(decoder, workers, 0, 0, 12, other);
        Assert.Equal(expected, PerplexityEvaluator.Evaluate(decoder, workers, other, 12, 5).TotalNats, 1e-9);
        Assert.NotEqual(nats, expected, 1e-3);
    }

    private static Decoder Model()
    {
        Decoder decoder = new(Presets.Llama(19, width: 16, layers: 2, heads: 2, hidden: 32, length: 16));
        decoder.Initialize(3);
        return decoder;
    }

    // The nats of the ids behind those from counted to end, read from begin on.
    private static double Loss(Decoder decoder, Workers workers, int begin, int counted, int end, int[]? ids = null)
    {
        ids ??= Ids;
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        int[] targets = [.. Enumerable.Range(begin, end - begin).Select(i => i < counted ? -100 : ids[i + 1])];
        return decoder.Loss(tape, Rows.One(ids.AsMemory(begin, end - begin)), targets).Mean(tape) * (end - counted);
    }

    [Fact]
    public void WrongSizesAreNamed()
    {
        using Workers workers = new(1);
        using Decoder decoder = new(Presets.Llama(19, width: 16, layers: 1, heads: 2, hidden: 32, length: 16));
        Assert.Contains("stride must be from 1 to the window's "
            + "8", Assert.Throws<ArgumentException>(() => PerplexityEvaluator.Evaluate(decoder, workers, Ids, 8, 9)).Message,
            StringComparison.Ordinal);
        Assert.Contains("1 to 16 tokens", Assert.Throws<ArgumentException>(() => PerplexityEvaluator.Evaluate(decoder, workers, Ids, 17,
            9)).Message, StringComparison.Ordinal);
        Assert.Contains("at least 2 tokens", Assert.Throws<ArgumentException>(() => PerplexityEvaluator.Evaluate(decoder, workers,
            Ids.AsMemory(0, 1), 8, 8)).Message, StringComparison.Ordinal);
    }
}
