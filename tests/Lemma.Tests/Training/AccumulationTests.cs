using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Tests.Models;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>Gradients have the bits of one pass however their sequences are split into passes: each is one chain in the order of rows.</summary>
[Trait("Kernels", "true")]
public class AccumulationTests
{
    public static TheoryData<string> Decoders => [.. ReferenceCheckpointTests.All.Select(row => row.Data)
        .Where(folder => ModelFolder.ReadConfig(Path.Combine(AppContext.BaseDirectory, folder)) is DecoderConfig)];

    [Theory, MemberData(nameof(Decoders))]
    public void EightPassesOfOneSequenceHaveTheGradientsOfOneOfEight(string folder)
    {
        using Decoder model = ModelFolder.ReadDecoder(Path.Combine(AppContext.BaseDirectory, folder));
        model.Parameters.AllocateTrainingState(moments: 0);
        // Together more rows than products sum at once.
        TokenExample[] examples = Examples(model, 8, Math.Min(model.MaximumLength, 64), counted: 1);
        Assert.True(examples.Sum(example => example.Rows) > Tile.Depth);
        float[][] whole = Gradients(model, examples, [8], threads: 1);
        Assert.Contains(whole, gradient => gradient.Any(value => value != 0));
        AssertSameBits(model, whole, Gradients(model, examples, [1, 1, 1, 1, 1, 1, 1, 1], threads: 2));
        AssertSameBits(model, whole, Gradients(model, examples, [3, 5], threads: 2));
    }

    // Tokens that do not count are left out of the head's product.
    [Fact]
    public void ExamplesOfWhichSomeTokensCountDoAsWell()
    {
        using Decoder model = new(Presets.Tiny(61));
        model.Initialize(3);
        model.Parameters.AllocateTrainingState(moments: 0);
        TokenExample[] examples = Examples(model, 8, 100, counted: 0.4);
        AssertSameBits(model, Gradients(model, examples, [8], threads: 2), Gradients(model, examples, [2, 1, 5], threads: 1));
    }

    // The logits of these do not fit what is kept of them, so the head's product goes chunk by chunk.
    [Fact]
    public void ALargeVocabularyDoesAsWell()
    {
        using Decoder model = new(Presets.Llama(120_000, width: 16, layers: 1, heads: 1, hidden: 16, length: 64));
        model.Initialize(3);
        model.Parameters.AllocateTrainingState(moments: 0);
        TokenExample[] examples = Examples(model, 5, 63, counted: 1);
        AssertSameBits(model, Gradients(model, examples, [5], threads: 2), Gradients(model, examples, [1, 1, 1, 1, 1], threads: 2));
    }

    [Theory]
    [InlineData(1, 7, 800, 400)]
    [InlineData(12, 32, 385, 384)]
    [InlineData(13, 33, 1000, 1)]
    [InlineData(70, 530, 900, 511)]
    public unsafe void AChainThatGoesOnHasTheBitsOfTheTwin(int m, int n, int k, int first)
    {
        Philox random = new(4);
        float[] a = [.. Enumerable.Range(0, m * k).Select(i => (float)random.Normal((ulong)i))];
        float[] b = [.. Enumerable.Range(0, n * k).Select(i => (float)random.Normal((ulong)(i + a.Length)))];
        float[] expected = new float[m * n], actual = new float[m * n];
        for (int step = 0; step < k; step++)
        {
            for (int i = 0; i < m * n; i++)
                expected[i] = MathF.FusedMultiplyAdd(a[step * m + i / n], b[step * n + i % n], expected[i]);
        }
        fixed (float* up = a, x = b, c = actual)
        {
            // Rows of A and B are steps, as in dW = dyᵀ·x.
            Matrix left = Matrix.Rows(up, m).Transposed, right = Matrix.Rows(x, n);
            MatrixProduct.Multiply(m, n, first, left, right, c, n, add: false, inOneChain: true);
            MatrixProduct.Multiply(m, n, k - first, left.From(0, first), right.From(first, 0), c, n, add: true, inOneChain: true);
        }
        Assert.Equal(expected, actual);
    }

    private static TokenExample[] Examples(Decoder model, int count, int length, double counted)
    {
        Philox random = new(9);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            Philox own = random.Split((ulong)i);
            int[] ids = [.. Enumerable.Range(0, length - i % 3).Select(at => own.Below(model.VocabularySize, (ulong)at))];
            return new TokenExample(ids, ids.Select((_, at) => own.Uniform((ulong)(1000 + at)) < counted).ToArray());
        })];
    }

    private static float[][] Gradients(Decoder model, TokenExample[] examples, int[] passes, int threads)
    {
        using Workers workers = new(threads);
        using Tape tape = new(workers, model.Parameters);
        model.Parameters.ForgetGradients();
        int done = 0;
        foreach (int count in passes)
        {
            ExampleRows rows = ExampleRows.Of(examples[done..(done += count)]);
            tape.Backward(tape.Sum(model.Losses(tape, rows.Rows, rows.Targets)));
            tape.Rewind();
        }
        return [.. model.Parameters.All.Select(parameter => model.Parameters.Gradients(parameter).ToArray())];
    }

    private static void AssertSameBits(Decoder model, float[][] expected, float[][] actual)
    {
        foreach ((Parameter parameter, float[] one, float[] other) in model.Parameters.All.Zip(expected, actual))
        {
            Assert.True(one.AsSpan().SequenceEqual(other), $"{parameter.Name}: {one.Zip(other).Count(pair => pair.First != pair.Second)} of {one.Length} differ");
        }
    }
}
