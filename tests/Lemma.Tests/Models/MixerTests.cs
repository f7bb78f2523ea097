using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Models;

/// <summary>Every mixer in a decoder of two blocks: gradients by differences, the same bits cached, cut, forked and for any number of threads.</summary>
public class MixerTests
{
    private const int Length = 401;
    private static readonly int[] Ids = [.. Enumerable.Range(0, Length).Select(i => i * i * 37 % 61)];

    // Sines of positions are added to the embedding, before plain attention without positions of its own.
    private const string Sinusoidal = "sinusoidal_positions";

    public static TheoryData<string> Names => [.. Mixers.Keys];

    internal static Dictionary<string, MixerConfig> Mixers { get; } = Made();

    [Theory, MemberData(nameof(Names))]
    public void GradientsAreThoseOfDifferences(string name)
    {
        using Decoder model = Model(name);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        model.Parameters.AllocateTrainingState();
        Rows rows = new(Ids.AsMemory(0, 30), new[] { 19, 11 });
        int[] targets = [.. Ids.Skip(1).Take(30)];
        double Loss()
        {
            double loss = model.Loss(tape, rows, targets).Mean(tape);
            tape.Rewind();
            return loss;
        }
        tape.Backward(model.Loss(tape, rows, targets));
        tape.Rewind();
        DirectionalDifferences.CheckBlocks(model, step: 3e-3, tolerance: 2e-3, Loss);
    }

    [Theory, MemberData(nameof(Names))]
    public void PiecesForksOthersAndThreadsChangeNothing(string name)
    {
        using Decoder model = Model(name);
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using Workers workers = new(threads);
            using Tape tape = new(workers, model.Parameters) { Recording = false };
            float[] whole = tape[model.Logits(tape, Rows.One(Ids))].ToArray();
            tape.Rewind();
            first ??= whole;
            Assert.True(first.AsSpan().SequenceEqual(whole), $"{threads} threads");
            using SequenceState state = model.NewState(), other = model.NewState();
            int at = 0;
            foreach (int count in (int[])[1, 190, 2, 150, 50])
            {
                Check(Rows.One(Ids.AsMemory(at, count), state), at + count);
                at += count;
            }
            using SequenceState fork = state.Fork();
            Last(Rows.One(new[] { 7, 8, 9 }, other));
            // The fork goes on with others around it, then the state that it was made from does the same alone.
            float[] together = Last(new Rows(new[] { 5, Ids[at], 6, 4 }, new[] { 1, 1, 2 }, new[] { other, fork, model.NewState() }));
            Assert.True(together.AsSpan(61, 61).SequenceEqual(whole.AsSpan(at * 61, 61)), "a fork among others");
            Check(Rows.One(Ids.AsMemory(at, 1), state), at + 1);

            void Check(Rows rows, int end) => Assert.True(Last(rows).AsSpan().SequenceEqual(whole.AsSpan((end - 1) * 61, 61)), $"up to {end}");

            float[] Last(Rows rows)
            {
                float[] logits = tape[model.NextLogits(tape, rows)].ToArray();
                tape.Rewind();
                return logits;
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void ItLearnsAndAgreesWithItselfWhileRecording(string name)
    {
        using Decoder model = Model(name);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters);
        Lemma.Training.AdamWOptimizer optimizer = new(model.Parameters, workers, new Lemma.Training.AdamWOptions());
        Rows rows = new(Ids.AsMemory(0, 120), new[] { 70, 50 });
        int[] targets = [.. Ids.Skip(1).Take(120)];
        double before = 0, after = 0;
        for (int step = 0; step < 25; step++)
        {
            LossPart loss = model.Loss(tape, rows, targets);
            (before, after) = (step == 0 ? loss.Mean(tape) : before, loss.Mean(tape));
            tape.Backward(loss);
            tape.Rewind();
            optimizer.Step(5e-3f);
        }
        Assert.True(after < 0.7 * before, $"the loss went from {before} to {after}");
        double recorded = model.Loss(tape, rows, targets).Mean(tape);
        tape.Rewind();
        tape.Recording = false;
        Assert.Equal(recorded, model.Loss(tape, rows, targets).Mean(tape), 1e-5);
    }

    [Theory, MemberData(nameof(Names)), InlineData("buckets"), InlineData("experts")]
    public void ADecodedTokenAllocatesNothing(string name)
    {
        using Decoder plain = Model("multi_head");
        DecoderConfig config = plain.Config;
        using Decoder model = name switch
        {
            "buckets" => new(config with { Stack = config.Stack with { Bias = new BucketBias(4) } }),
            "experts" => new(config.WithBlocks(block => block with { FeedForward = new ExpertsFeedForward(24, new ExpertRouting { Experts = 4, Chosen = 2 }) })),
            _ => Model(name),
        };
        model.Initialize(7);
        using Workers workers = new(1);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        using SequenceState state = model.NewState();
        SequenceState[] states = [state];
        int[] one = [1], next = [5];
        void Decode(int tokens)
        {
            for (int token = 0; token < tokens; token++)
            {
                model.NextLogits(tape, new Rows(next, one, states));
                tape.Rewind();
            }
        }
        // Lists grow with the longest sequence that a tape has seen, so the same places are decoded again where the state can go back.
        Decode(80);
        long allocated = -1;
        // Code that is not optimized yet boxes what later code keeps on the stack; it is compiled anew in the background, beside other tests late.
        for (int round = 0; round < 2000 && allocated != 0; round++)
        {
            state.Truncate(0);
            Decode(20);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Decode(40);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    internal static Decoder Model(string name)
    {
        DecoderConfig config = Presets.Llama(61, width: 32, layers: 2, heads: 4, hidden: 48, length: 512).WithBlocks(block =>
            block with { Mixer = Mixers[name] });
        Decoder model = new(config with
        {
            Stack = config.Stack with { Embedding = config.Stack.Embedding with { Sinusoidal = name == Sinusoidal } },
        });
        model.Initialize(7);
        return model;
    }

    private static Dictionary<string, MixerConfig> Made()
    {
        AttentionConfig plain = new() { Heads = 4, KeyValueHeads = 4, HeadWidth = 8, Rotary = new RotaryConfig() };
        return new()
        {
            ["multi_head"] = plain,
            ["grouped_query"] = plain with { KeyValueHeads = 2 },
            ["multi_query"] = plain with { KeyValueHeads = 1, Sinks = true, ScoreCap = 5 },
            ["window"] = plain with { Window = 50, QueryKeyNorm = new RmsNormConfig(1e-6f), Rotary = new RotaryConfig { Width = 4 } },
            ["whole_norm"] = plain with { QueryKeyNorm = new LayerNormConfig(), NormsWholeRows = true, Rotary = null, InputBias = true, OutputBias = true },
            ["multi_scale_windows"] = plain with { Pattern = new MultiScaleWindows([5, 20, 100, 0]) },
            ["block_sparse"] = plain with { KeyValueHeads = 2, Pattern = new BlockSparse(Block: 16, Local: 1, Global: 1, Random: 1) },
            ["dual_chunk"] = plain with { KeyValueHeads = 2, Pattern = new DualChunk(Chunk: 24, TrainedLength: 64) },
            ["adaptive_span"] = plain with { Span = new AdaptiveSpanConfig(First: 30, Ramp: 16) },
            ["latent"] = new LatentAttentionConfig
            {
                Heads = 4,
                QueryRank = 12,
                KeyValueRank = 16,
                PlainWidth = 8,
                RotaryWidth = 4,
                ValueWidth = 6,
                Rotary = new RotaryConfig(Interleaved: true),
                Norm = new RmsNormConfig(),
            },
            [Sinusoidal] = plain with { Rotary = null },
            ["output_gate"] = plain with { KeyValueHeads = 2, OutputGate = true, ValueNorm = new RmsNormConfig(1e-6f, Gain: false) },
            ["short_convolution"] = new ShortConvolutionConfig { Kernel = 4, Bias = true },
            ["gated_delta"] = new GatedDeltaConfig { KeyHeads = 2, Heads = 4, HeadWidth = 8, ValueWidth = 12, Kernel = 4, Norm = new RmsNormConfig() },
            ["linear"] = new LinearAttentionConfig { Heads = 4, HeadWidth = 8, ValueWidth = 12 },
        };
    }
}
