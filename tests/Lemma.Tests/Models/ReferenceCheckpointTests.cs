using System.Text.Json;
using Lemma.Decoding;
using Lemma.Checkpoints;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Models;

/// <summary>Tiny random checkpoints against logits, losses, gradients, optimizer steps and greedy text recorded in float64.</summary>
public class ReferenceCheckpointTests
{
    [Theory]
    [InlineData("gpt2", 1), InlineData("gpt2", 2), InlineData("llama", 1), InlineData("llama", 2)]
    public void Agrees(string family, int threads)
    {
        using Reference reference = Reference.Open(family, threads);
        Tape tape = reference.Tape;

        tape.Recording = false;
        Tensor logits = reference.Model.Logits(tape, reference.Input);
        float[] expected = reference.WithoutPadding(reference.Floats("logits"));
        Assert.Equal(expected.Length, tape[logits].Length);
        double worst = 0;
        for (int i = 0; i < expected.Length; i++)
            worst = Math.Max(worst, Math.Abs(expected[i] - tape[logits][i]));
        Assert.True(worst < 2e-4, $"logits differ by {worst:E2}");
        tape.Rewind();

        tape.Recording = true;
        JsonElement training = reference.Expected.GetProperty("training");
        AdamWOptimizer optimizer = new(reference.Model.Parameters, reference.Workers,
            new AdamWOptions { Beta1 = 0.9f, Beta2 = 0.95f, Epsilon = 1e-8f, WeightDecay = 0.1f, DecayAll = true, Clip = 0 });
        double[] losses = [.. training.GetProperty("losses").EnumerateArray().Select(value => value.GetDouble())];
        Assert.Equal(reference.Expected.GetProperty("loss").GetDouble(), losses[0], 1e-9);
        for (int step = 0; step < losses.Length; step++)
        {
            Tensor loss = reference.Model.Loss(tape, reference.Input, reference.Targets);
            Assert.Equal(losses[step], tape[loss][0], 1e-4);
            tape.Backward(loss);
            tape.Rewind();
            double norm = optimizer.Step(0.01f);
            if (step == 0)
                Assert.Equal(1, norm / training.GetProperty("first_gradient_norm").GetDouble(), 1e-4);
        }
    }

    [Theory]
    [InlineData("gpt2"), InlineData("llama")]
    public void ContinuesGreedily(string family)
    {
        using Reference reference = Reference.Open(family, 2);
        int[] prompt = reference.Ints("prompt"), expected = reference.Ints("greedy");
        using Generator generator = new(reference.Model, reference.Workers);
        IReadOnlyList<int> made = generator.Generate(prompt, GenerationOptions.Greedy with { MaximumTokens = expected.Length - prompt.Length, StopIds = [] });
        Assert.Equal(expected, prompt.Concat(made));
    }

    [Theory]
    [InlineData("gpt2"), InlineData("llama")]
    public void CachedRowsHaveTheBitsOfUncachedOnes(string family)
    {
        using Reference reference = Reference.Open(family, 2);
        Tape tape = reference.Tape;
        tape.Recording = false;
        int[] ids = reference.Ints("greedy");
        int vocabulary = reference.Model.Config.VocabularySize;
        float[] whole = tape[reference.Model.Logits(tape, Rows.One(ids))].ToArray();
        tape.Rewind();
        foreach (int first in new[] { 1, 5, ids.Length - 1 })
        {
            using SequenceState state = reference.Model.NewState();
            for (int at = 0; at < ids.Length;)
            {
                int count = at == 0 ? first : 1;
                Tensor next = reference.Model.NextLogits(tape, Rows.One(ids.AsMemory(at, count), state));
                at += count;
                Assert.Equal(whole.AsSpan((at - 1) * vocabulary, vocabulary), tape[next]);
                tape.Rewind();
            }
        }
    }

    private sealed class Reference : IDisposable
    {
        public required JsonElement Expected { get; init; }

        public required Decoder Model { get; init; }

        public required Workers Workers { get; init; }

        public required Tape Tape { get; init; }

        public required Rows Input { get; init; }

        public required int[] Targets { get; init; }

        public required int[][] Mask { get; init; }

        public static Reference Open(string family, int threads)
        {
            string folder = Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family);
            JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json"))).RootElement;
            Decoder model = ModelFolder.ReadDecoder(folder);
            Workers workers = new(threads);
            int[][] ids = Numbers(expected, "input_ids"), mask = Numbers(expected, "attention_mask"), labels = Numbers(expected.GetProperty("training"), "labels");
            return new Reference
            {
                Expected = expected,
                Model = model,
                Workers = workers,
                Tape = new Tape(workers, model.Parameters),
                Input = new Rows(ids.SelectMany((row, i) => row[..mask[i].Sum()]).ToArray(), mask.Select(row => row.Sum()).ToArray()),
                // The label of a position is the next id.
                Targets = [.. labels.SelectMany((row, i) => row.Skip(1).Append(-100).Take(mask[i].Sum()))],
                Mask = mask,
            };
        }

        public int[] Ints(string name) => [.. Expected.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];

        public float[] Floats(string name)
        {
            List<float> all = [];
            Collect(Expected.GetProperty(name), all);
            return [.. all];
        }

        // What was recorded of a padded batch, without the rows of padding.
        public float[] WithoutPadding(float[] padded)
        {
            int width = padded.Length / Mask.Sum(row => row.Length), length = Mask[0].Length;
            return [.. Mask.SelectMany((row, i) => padded.Skip(i * length * width).Take(row.Sum() * width))];
        }

        public void Dispose()
        {
            Tape.Dispose();
            Workers.Dispose();
            Model.Dispose();
        }

        private static void Collect(JsonElement element, List<float> all)
        {
            if (element.ValueKind == JsonValueKind.Number)
            {
                all.Add(element.GetSingle());
                return;
            }
            foreach (JsonElement inner in element.EnumerateArray())
                Collect(inner, all);
        }

        private static int[][] Numbers(JsonElement element, string name) =>
            [.. element.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetInt32()).ToArray())];
    }
}
