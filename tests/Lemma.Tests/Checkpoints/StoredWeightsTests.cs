using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

/// <summary>Models whose weights stay as their file has them: the same numbers, the same bits for any threads and passes, logits near those of the floats.</summary>
public sealed class StoredWeightsTests : IDisposable
{
    private static readonly int[] Ids = [3, 1, 4, 15, 9, 2, 6, 5, 35, 8];
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("Q8_0", 0.04), InlineData("Q4_0", 0.04), InlineData("Q4_K", 0.04), InlineData("Q6_K", 0.04), InlineData("Q4_K_M", 0.04), InlineData("Q5_K_M", 0.04)]
    [InlineData("F16", 0), InlineData("BF16", 0)]
    public void WeightsStayAndGiveTheSameBits(string type, double most)
    {
        using Decoder model = new(Presets.Llama(61, width: 256, layers: 2, heads: 4, hidden: 512, length: 64, keyValueHeads: 2));
        model.Initialize(3);
        Check(model, type, most);
    }

    [Theory]
    [InlineData("qwen3-moe"), InlineData("gpt2"), InlineData("phi3"), InlineData("qwen2"), InlineData("qwen3-5"), InlineData("gemma4")]
    // Rounded rows go to other experts of random weights, in transformers too.
    [InlineData("qwen3-next", "F16", 0)]
    public void FamiliesKeepTheirs(string name, string type = "Q8_0", double most = 0.05)
    {
        using Decoder model = ModelFolder.ReadDecoder(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", name));
        Check(model, type, most);
    }

    [Theory]
    [InlineData("F16", 8, true), InlineData("Q8_0", 8, false), InlineData("Q8_0", 32, true), InlineData("Q4_K", 32, false)]
    public void BlocksOfColumnsAreMovedWhereNoneParts(string type, int valueWidth, bool stays)
    {
        using Decoder tiny = ModelFolder.ReadDecoder(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "qwen3-5"));
        DecoderConfig config = tiny.Config with
        {
            Stack = tiny.Config.Stack with
            {
                // Of 256 columns, so that every type has whole blocks.
                Blocks = [.. tiny.Config.Stack.Blocks.Select(block => block.Mixer is GatedDeltaConfig delta
                    ? block with { Mixer = delta with { Heads = 256 / valueWidth, HeadWidth = valueWidth, ValueWidth = valueWidth } } : block)],
            },
        };
        using Decoder model = new(config);
        model.Initialize(3);
        using Workers workers = new(2);
        GgufFile.Write(folder["x.gguf"], model, GgufMix.Find(type), [], workers);
        using Model floats = ModelFolder.Read(folder["x.gguf"]), stored = ModelFolder.ReadAsStored(folder["x.gguf"]);
        Parameter moved = stored.Parameters["blocks.0.attention.output.weight"];
        Assert.Equal(stays, moved.Pieces.Count > 0);
        float[] rows = new float[moved.Count];
        stored.Parameters.CopyRows(moved, 0, rows);
        Assert.Equal(floats.Parameters.Weights(floats.Parameters[moved.Name]).ToArray(), rows);
        Assert.True(Cosine(model.Parameters.Weights(model.Parameters[moved.Name]), rows) > 0.99);
    }

    private static double Cosine(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        (double product, double squares, double others) = (0, 0, 0);
        for (int i = 0; i < one.Length; i++)
            (product, squares, others) = (product + one[i] * other[i], squares + one[i] * one[i], others + other[i] * other[i]);
        return product / Math.Sqrt(squares * others);
    }

    private void Check(Decoder model, string type, double most)
    {
        string path = folder[type + ".gguf"];
        using (Workers writers = new(2))
            GgufFile.Write(path, model, GgufMix.Find(type), [], writers);
        using Decoder floats = (Decoder)ModelFolder.Read(path), stored = (Decoder)ModelFolder.ReadAsStored(path);
        Assert.True(stored.Parameters.AreQuantized && !floats.Parameters.AreQuantized);
        Assert.True(stored.Parameters.WeightBytes < 0.7 * floats.Parameters.WeightBytes, $"{stored.Parameters.WeightBytes} of {floats.Parameters.WeightBytes}");
        foreach (Parameter parameter in stored.Parameters.All)
        {
            float[] rows = new float[parameter.Count];
            if (parameter.Shape.Rank > 1)
                stored.Parameters.CopyRows(parameter, 0, rows);
            else
                stored.Parameters.Weights(parameter).CopyTo(rows);
            Assert.Equal(floats.Parameters.Weights(floats.Parameters[parameter.Name]).ToArray(), rows);
        }
        float[] expected = Logits(floats, 1, Ids.Length), whole = Logits(stored, 1, Ids.Length);
        double scale = expected.Max(MathF.Abs), error = expected.Zip(whole, (a, b) => Math.Abs(a - b)).Max() / scale;
        Assert.True(error <= most, $"{type}: logits differ by {error} of the largest");
        Assert.True(most == 0 || error > 0);
        foreach (int threads in (ReadOnlySpan<int>)[2, 3])
            Assert.Equal(whole, Logits(stored, threads, Ids.Length));
        Assert.Equal(whole, Logits(stored, 2, 1));
        Assert.Equal(whole, Logits(stored, 2, 3));
    }

    // The logits of every position, read so many tokens a pass.
    private static float[] Logits(Decoder model, int threads, int together)
    {
        using Workers workers = new(threads);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        using SequenceState state = model.NewState();
        List<float> all = [];
        for (int first = 0; first < Ids.Length; first += together)
        {
            int count = Math.Min(together, Ids.Length - first);
            all.AddRange(tape[model.LastLogits(tape, Rows.One(Ids.AsMemory(first, count), state), count)].ToArray());
            tape.Rewind();
        }
        return [.. all];
    }
}
