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
