using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Models;

/// <summary>What an observer of a pass sees: maps times values are what the kernels give, and looking changes no bit.</summary>
public class ObservedPassTests
{
    private const int Length = 90;

    public static TheoryData<string> Mixers => [.. MixerTests.Mixers.Keys];

    public static TheoryData<string> Checkpoints => [.. ReferenceCheckpoint.Folders];

    [Theory, MemberData(nameof(Mixers))]
    public void MapsTimesValuesAreTheOutputOfEveryMixer(string name)
    {
        using Decoder model = MixerTests.Model(name);
        Check(model, [.. Enumerable.Range(0, Length).Select(i => i * i * 37 % 61)], name is "linear" or "short_convolution" or "gated_delta" ? 0 : 2);
    }

    [Fact]
    public void SlopesAndBucketsOfDistancesAreInTheMaps()
    {
        using Decoder plain = MixerTests.Model("grouped_query");
        foreach (PositionBiasConfig bias in (PositionBiasConfig[])[new SlopeBias(4), new BucketBias(4)])
        {
            using Decoder model = new(plain.Config with { Stack = plain.Config.Stack with { Bias = bias } });
            model.Initialize(3);
            foreach (Lemma.Weights.Parameter parameter in model.Parameters.All.Where(parameter => parameter.Name.Contains("bias", StringComparison.Ordinal)))
                model.Parameters.Weights(parameter).Fill(0.5f);
            Check(model, [.. Enumerable.Range(0, Length).Select(i => i * 7 % 61)], 2);
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void MapsTimesValuesAreTheOutputOfEveryFamily(string folder)
    {
        using ReferenceCheckpoint checkpoint = ReferenceCheckpoint.Open(folder);
        Check(checkpoint.Model, checkpoint.Input.Ids.ToArray()[..checkpoint.Input.Lengths.Span[0]], checkpoint.Model.AnyConfig is DecoderConfig decoder ? decoder.Stack.Blocks.Count(block => block.Mixer is AttentionConfig or LatentAttentionConfig)
            : checkpoint.Model.Reader.Layers);
    }

    private static void Check(Model model, int[] ids, int maps)
    {
        using Workers workers = new(2);
        foreach (bool recording in (bool[])[false, true])
        {
            using Tape tape = new(workers, model.Parameters) { Recording = recording };
            float[] alone = tape[model.Read(tape, Rows.One(ids))].ToArray();
            tape.Rewind();
            Observer observer = new();
            Assert.True(alone.AsSpan().SequenceEqual(tape[model.Read(tape, Rows.One(ids), observer)]), "looking changed bits");
            Assert.Equal(maps, observer.Maps);
            Assert.Equal(Enumerable.Range(0, model.Reader.Layers), observer.Blocks);
            Assert.True(observer.Worst < 2e-5, $"maps times values are off by {observer.Worst:E2}");
        }
    }

    private sealed class Observer : IPassObserver
    {
        public int Maps { get; private set; }

        public double Worst { get; private set; }

        public List<int> Blocks { get; } = [];

        public void Block(Tape tape, int layer, Tensor rows) => Blocks.Add(layer);

        public void Attention(Tape tape, int layer, in ObservedAttention attention)
        {
            Maps++;
            AttentionHeads heads = attention.Heads;
            float[] map = AttentionWeights.Of(tape, attention.Query, attention.Key, heads, attention.Terms);
            int length = attention.Output.Shape.Rows, width = heads.ValueWidth, columns = attention.Value.Tensor.Shape.Columns;
            ReadOnlySpan<float> values = tape[attention.Value.Tensor], output = tape[attention.Output];
            for (int head = 0; head < heads.Heads; head++)
            {
                for (int i = 0; i < length; i++)
                {
                    for (int c = 0; c < width; c++)
                    {
                        double sum = 0;
                        for (int j = 0; j < length; j++)
                            sum += (double)map[(head * length + i) * length + j] * values[j * columns + attention.Value.First + head / heads.Group * width + c];
                        Worst = Math.Max(Worst, Math.Abs(sum - output[(i * heads.Heads + head) * width + c]));
                    }
                }
            }
        }
    }
}
