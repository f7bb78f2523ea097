using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Models;

/// <summary>Every mixer beside a composition of plain operations (<see cref="PlainModel"/>): first logits, losses and weights of five steps, and decoding.</summary>
public class MixerCompositionTests
{
    private const int Vocabulary = 61, Steps = 5;
    private const double LossTolerance = 1e-5, LogitTolerance = 1e-5, WeightTolerance = 1e-4, TrainedTolerance = 1e-3;
    private static readonly int[] Ids = [.. Enumerable.Range(0, 200).Select(i => i * i * 37 % Vocabulary)];
    private static readonly int[] Lengths = [70, 50], SourceLengths = [13, 30];

    public static TheoryData<string> Names => MixerTests.Names;

    [Theory, MemberData(nameof(Names))]
    public void Mixer(string name)
    {
        using Decoder model = MixerTests.Model(name), twin = MixerTests.Model(name);
        Rows rows = new(Ids.AsMemory(0, 120), Lengths);
        using Workers workers = new(2);
        Compare(workers, model, twin, Ids[1..121], tape => model.Logits(tape, rows), (tape, targets) => model.Loss(tape, rows, targets),
            tape => new PlainModel(tape, rows).Logits(twin.Config));

        // Decoding is another computation for some (a recurrence, absorbed matrices, pages): it agrees with the composition as well.
        using Tape plain = new(workers, twin.Parameters), decoding = new(workers, model.Parameters) { Recording = false };
        float[] expected = plain[new PlainModel(plain, rows).Logits(twin.Config)].ToArray(), given = new float[Lengths[0] * Vocabulary];
        using SequenceState state = model.NewState();
        for (int row = 0; row < Lengths[0]; row++)
        {
            decoding[model.NextLogits(decoding, Rows.One(Ids.AsMemory(row, 1), state))].CopyTo(given.AsSpan(row * Vocabulary));
            decoding.Rewind();
        }
        Near(expected.AsSpan(0, given.Length), given, TrainedTolerance, "decoded logits after the steps");
    }

    [Fact]
    public void CrossAttention()
    {
        DecoderConfig shape = Presets.Llama(Vocabulary, width: 32, layers: 2, heads: 4, hidden: 48, length: 512);
        BlockConfig block = shape.Stack.Blocks[0];
        AttentionConfig attention = (AttentionConfig)block.Mixer;
        EncoderDecoderConfig config = new()
        {
            MaximumLength = 512,
            Encoder = shape.WithBlocks(block => block with { Mixer = attention with { Mask = MaskKind.None } }).Stack,
            Decoder = shape.WithBlocks(block => block with { Cross = attention with { KeyValueHeads = 2, Rotary = null } }).Stack,
            Head = shape.Head,
            DecoderBeginId = 0,
        };
        using EncoderDecoder model = new(config), twin = new(config);
        model.Initialize(7);
        twin.Initialize(7);
        Rows source = new(Ids.AsMemory(120, 43), SourceLengths), target = new(Ids.AsMemory(0, 120), Lengths);
        using Workers workers = new(2);
        Compare(workers, model, twin, Ids[1..121], tape => model.Logits(tape, source, target), (tape, targets) => model.Loss(tape, source, target, targets),
            tape => new PlainModel(tape, target).Logits(config, source));
    }

    internal static void Compare(Workers workers, Model model, Model twin, int[] targets, Func<Tape, Tensor> logits, Func<Tape, int[], LossPart> loss,
        Func<Tape, Tensor> plain)
    {
        using Tape one = new(workers, model.Parameters), other = new(workers, twin.Parameters);
        Near(other[plain(other)], one[logits(one)], LogitTolerance, "first logits");
        one.Rewind();
        other.Rewind();
        float[][] first = [.. twin.Parameters.All.Select(parameter => twin.Parameters.Weights(parameter).ToArray())];
        AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions()), plainOptimizer = new(twin.Parameters, workers, new AdamWOptions());
        for (int step = 0; step < Steps; step++)
        {
            LossPart given = loss(one, targets), expected = given with { Sum = other.Sum(other.CrossEntropy(plain(other), targets)) };
            double difference = Math.Abs(given.Mean(one) / expected.Mean(other) - 1);
            Assert.True(difference < LossTolerance, $"step {step}: the losses {given.Mean(one)} and {expected.Mean(other)} differ by {difference:E1}");
            one.Backward(given);
            other.Backward(expected);
            one.Rewind();
            other.Rewind();
            optimizer.Step(1e-3f);
            plainOptimizer.Step(1e-3f);
        }
        foreach ((Parameter parameter, float[] before) in twin.Parameters.All.Zip(first))
        {
            ReadOnlySpan<float> expected = twin.Parameters.Weights(parameter), given = model.Parameters.Weights(model.Parameters[parameter.Name]);
            // What shifts every key alike leaves a softmax as it is: without positions this bias has a gradient of rounding, which AdamW makes steps of.
            if (!parameter.Name.EndsWith("key_norm.bias", StringComparison.Ordinal))
                Near(expected, given, WeightTolerance, parameter.Name);
            Assert.False(expected.SequenceEqual(before), $"{parameter.Name} did not move");
        }
    }

    // ‖a − b‖ < tolerance·‖a‖.
    private static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> given, double tolerance, string what)
    {
        Assert.Equal(expected.Length, given.Length);
        double error = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            error += Math.Pow((double)expected[i] - given[i], 2);
            size += Math.Pow(expected[i], 2);
        }
        Assert.True(Math.Sqrt(error) < tolerance * Math.Sqrt(size), $"{what}: they differ by {Math.Sqrt(error / size):E1}");
    }
}
