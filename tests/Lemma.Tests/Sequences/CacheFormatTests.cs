using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Sequences;

/// <summary>Keys and values in every format: rounded as plain loops round them, read with the same bits in any pieces, by any threads and instructions.</summary>
[Trait("Kernels", "true")]
public class CacheFormatTests
{
    private const int Length = 203, Vocabulary = 61;
    private static readonly int[] Ids = [.. Enumerable.Range(0, Length).Select(i => i * i * 37 % Vocabulary)];
    private static readonly AttentionHeads Heads = new(4, 2, 32) { ValueWidth = 64 };

    public static TheoryData<string> Names => [.. CacheFormat.All.Select(format => format.Name)];

    public static TheoryData<string, string> Passes => [.. CacheFormat.All.SelectMany(format => Mixers.Keys.Select(mixer => (format.Name, mixer)))];

    public static TheoryData<string, AttentionHeads, bool> Cases => [.. CacheFormat.All.SelectMany(format =>
        new (AttentionHeads Heads, bool HasTerms)[]
        {
            (Heads, false), (Heads with { Window = 50 }, true), (new AttentionHeads(3, 1, 96), true),
            (Heads with { Pattern = new BlockSparse(16, Local: 1, Stride: 5, Random: 1) }, false), (Heads with { Pattern = new DualChunk(50, 80) }, false),
        }.Select(one => (format.Name, one.Heads, one.HasTerms)))];

    private static Dictionary<string, MixerConfig> Mixers { get; } = new()
    {
        ["grouped"] = new AttentionConfig { Heads = 4, KeyValueHeads = 2, HeadWidth = 32, Rotary = new RotaryConfig() },
        ["window"] = new AttentionConfig
        {
            Heads = 2,
            KeyValueHeads = 1,
            HeadWidth = 96,
            Window = 50,
            QueryKeyNorm = new RmsNormConfig(1e-6f),
            Rotary = new RotaryConfig(),
            Sinks = true,
            ScoreCap = 5,
        },
        ["latent"] = new LatentAttentionConfig
        {
            Heads = 4,
            KeyValueRank = 32,
            PlainWidth = 16,
            RotaryWidth = 32,
            ValueWidth = 16,
            Rotary = new RotaryConfig(),
            Norm = new RmsNormConfig(),
        },
    };

    private static Decoder Model(string mixer)
    {
        Decoder model = new(Presets.Llama(Vocabulary, width: 64, layers: 2, heads: 2, hidden: 96, length: 512)
            .WithBlocks(block => block with { Mixer = Mixers[mixer] }));
        model.Initialize(7);
        return model;
    }

    // The output of attention over pages, in some pieces.
    private static float[] Attend(CacheFormat format, AttentionHeads heads, float[] x, bool hasTerms, int threads, params int[] pieces)
    {
        int width = (int)heads.QueryColumns, keys = heads.KeyValueHeads * heads.HeadWidth, row = width + keys + heads.KeyValueHeads * heads.ValueWidth;
        using Workers workers = new(threads);
        using Tape tape = new(workers) { Recording = false };
        using SequenceState state = new(new object(), [new KeyValuePages(format.PageOf(heads.KeyValueHeads, heads.HeadWidth, heads.ValueWidth), heads.Reach)]);
        List<float> all = [];
        foreach (int count in pieces)
        {
            Tensor t = tape.Input(new Shape(count, row), x.AsSpan(state.Length * row, count * row));
            AttentionTerms terms = hasTerms ? new AttentionTerms(1.5f, Sinks: tape.Input(new Shape(heads.Heads), OperationCheck.Random(heads.Heads, 3))) : default;
            all.AddRange(tape[tape.Attention(new HeadColumns(t, 0), new HeadColumns(t, width), new HeadColumns(t, width + keys),
                Rows.One(new int[count], state), heads, 0, terms)]);
            tape.Rewind();
            state.Advance(count);
        }
        return [.. all];
    }

    private static float[] Input(AttentionHeads heads) =>
        OperationCheck.Random((long)Length * (heads.QueryColumns + heads.KeyValueHeads * (heads.HeadWidth + heads.ValueWidth)), 1);

    [Theory, MemberData(nameof(Cases))]
    public void PiecesAndThreadsHaveTheBitsOfTheWhole(string name, AttentionHeads heads, bool hasTerms)
    {
        CacheFormat format = CacheFormat.Find(name);
        float[] x = Input(heads), whole = Attend(format, heads, x, hasTerms, 1, Length);
        Assert.Equal(whole, Attend(format, heads, x, hasTerms, 2, 1, 4, 184, 11, 3));
        Assert.Equal(whole, Attend(format, heads, x, hasTerms, 3, [.. Enumerable.Repeat(7, 29)]));
    }

    // Numbers of this file: instructions, threads and pieces give these bits, and so must a change of the code that means to change none.
    [Theory]
    [InlineData("f32", "97163BF9F51CDF30")]
    [InlineData("f16", "142D7C73DCC51D7D")]
    [InlineData("bf16", "132CA34F7B7FDAAF")]
    [InlineData("q8_0", "D290179B66C23BB4")]
    [InlineData("q4_0", "01AAD5A246FA9F02")]
    public void BitsAreThoseOfEveryProcessor(string name, string digest) =>
        Assert.Equal(digest, Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(Attend(CacheFormat.Find(name), Heads, Input(Heads), false, 2, Length).AsSpan())))[..16]);

    [Theory, MemberData(nameof(Names))]
    public void OutputsAreThoseOfNaiveRounding(string name)
    {
        CacheFormat format = CacheFormat.Find(name);
        float[] x = Input(Heads), y = Attend(format, Heads, x, false, 2, 60, 143);
        int row = 4 * 32 + 2 * 32 + 2 * 64;
        double largest = 0;
        for (int head = 0; head < 4; head++)
        {
            double[][] keys = [.. Enumerable.Range(0, Length).Select(i => Rounded(name, x.AsSpan(i * row + 128 + head / 2 * 32, 32)))];
            double[][] values = [.. Enumerable.Range(0, Length).Select(i => Rounded(name, x.AsSpan(i * row + 192 + head / 2 * 64, 64)))];
            for (int i = 0; i < Length; i += 17)
            {
                double[] weights = [.. keys.Take(i + 1).Select(key => Math.Exp(key.Select((k, j) => k * x[i * row + head * 32 + j]).Sum() / Math.Sqrt(32)))];
                for (int j = 0; j < 64; j++)
                {
                    double expected = weights.Select((weight, at) => weight * values[at][j]).Sum() / weights.Sum();
                    largest = Math.Max(largest, Math.Abs(expected - y[(i * 4 + head) * 64 + j]));
                }
            }
        }
        Assert.InRange(largest, 0, 2e-6);
    }

    // Turned, rounded by plain loops, and turned back: what a page says that a key or value is.
    private static double[] Rounded(string name, ReadOnlySpan<float> x)
    {
        float[] turned = new float[x.Length];
        if (name is not ("q8_0" or "q4_0"))
        {
            return [.. x.ToArray().Select(value => name switch
            {
                "f16" => (double)(Half)value,
                "bf16" => Brain(value),
                _ => value,
            })];
        }
        Hadamard.Forward(x, x.Length, turned);
        for (int block = 0; block < x.Length; block += 32)
        {
            Span<float> some = turned.AsSpan(block, 32);
            float furthest = some.ToArray().MaxBy(Math.Abs);
            float exact = name == "q8_0" ? Math.Abs(furthest) / 127 : Math.Abs(furthest) / 8;
            Half half = (Half)exact;
            half = (float)half < exact ? Half.BitIncrement(half) : half;
            float scale = name == "q4_0" && furthest > 0 ? -(float)half : (float)half;
            foreach (ref float value in some)
                value = scale * Math.Clamp(MathF.Round(value / scale, MidpointRounding.ToEven), name == "q8_0" ? -127 : -8, name == "q8_0" ? 127 : 7);
        }
        double[] back = new double[x.Length];
        for (int i = 0; i < back.Length; i++)
        {
            for (int j = 0; j < back.Length; j++)
                back[i] += (System.Numerics.BitOperations.PopCount((uint)(i & j)) % 2 == 0 ? 1 : -1) * turned[j] / Math.Sqrt(back.Length);
        }
        return back;
    }

    // The nearest of both numbers with 16 zeros behind; the even one of two.
    private static double Brain(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x) & 0xFFFF0000;
        double low = BitConverter.UInt32BitsToSingle(bits), high = BitConverter.UInt32BitsToSingle(bits + 0x10000), toLow = Math.Abs(x - low), toHigh = Math.Abs(x - high);
        return toLow < toHigh || (toLow == toHigh && (bits & 0x10000) == 0) ? low : high;
    }

    [Theory, MemberData(nameof(Passes))]
    public void AModelHasTheSameBitsWholeInPiecesForkedAndCut(string name, string mixer)
    {
        using Decoder model = Model(mixer);
        model.CacheFormat = CacheFormat.Find(name);
        using Workers workers = new(2), three = new(3);
        using Tape tape = new(workers, model.Parameters) { Recording = false }, other = new(three, model.Parameters) { Recording = false };
        using SequenceState whole = model.NewState(), pieces = model.NewState();
        float[] expected = Logits(tape, Ids, whole);
        List<float> some = [.. Logits(other, Ids.AsMemory(0, 150), pieces)];
        for (int at = 150; at < 198; at++)
            some.AddRange(Logits(at % 2 == 0 ? tape : other, Ids.AsMemory(at, 1), pieces));
        using SequenceState fork = pieces.Fork();
        some.AddRange(Logits(tape, Ids.AsMemory(198), pieces));
        Assert.True(expected.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(some)), "in pieces");
        // Another text, across the end of a page, then back to where both were one.
        Logits(tape, new[] { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3 }, fork);
        fork.Truncate(190);
        float[] again = Logits(other, Ids.AsMemory(190), fork);
        Assert.True(expected.AsSpan(190 * Vocabulary).SequenceEqual(again), "forked and cut");
        Assert.True(mixer == "window" || pieces.Bytes == Lemma.Planning.CachePlan.Of(model.Config).AllocatedBytes(Length, model.CacheFormat));

        float[] Logits(Tape tape, ReadOnlyMemory<int> ids, SequenceState state)
        {
            float[] logits = tape[model.Logits(tape, Rows.One(ids, state))].ToArray();
            tape.Rewind();
            return logits;
        }
    }

    [Theory, InlineData("q8_0"), InlineData("q4_0"), InlineData("bf16")]
    public void GuessesAndBeamsSeeWhatIsKept(string name)
    {
        using Decoder model = Model("grouped");
        model.CacheFormat = CacheFormat.Find(name);
        using Workers workers = new(2);
        using Generator generator = new(model, workers), guessing = new(model, workers);
        GenerationOptions options = new() { Steps = [new Temperature(0.8)], MaximumTokens = 60, StopIds = [], Seed = 4 };
        PromptLookup lookup = new() { Shortest = 1 };
        int[] prompt = [.. Ids[..150], .. Ids[..30]];
        IReadOnlyList<int> plain = generator.Generate(prompt, options);
        Assert.Equal(plain, guessing.Generate(prompt, options with { Speculator = lookup }));
        Assert.True(lookup.Guessed > 0, "nothing was guessed");
        using SequenceState state = model.NewState();
        Beam beam = BeamSearch.Run(model, workers, state, prompt, new BeamOptions { Beams = 3, MaximumTokens = 20, StopIds = [] })[0];
        // The beam's own sum, read at once.
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        int[] text = [.. prompt, .. beam.Ids];
        ReadOnlySpan<float> logits = tape[model.Logits(tape, Rows.One(text.AsMemory(0, text.Length - 1), state))];
        double sum = 0;
        for (int i = prompt.Length; i < text.Length; i++)
        {
            ReadOnlySpan<float> line = logits.Slice((i - 1) * Vocabulary, Vocabulary);
            sum += line[text[i]] - CrossEntropy.LogSumExp(line);
        }
        Assert.Equal(sum, beam.LogProbability, 1e-4);
    }

    [Theory, InlineData("f16"), InlineData("q8_0")]
    public void CrossAttentionReadsWhatIsKept(string name)
    {
        using EncoderDecoder model = new(Presets.T5(Vocabulary, 64, 2, 2, 64));
        model.Initialize(3);
        model.CacheFormat = CacheFormat.Find(name);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        SequenceState[] states = [.. model.NewStates(tape, Rows.One(Ids)), .. model.NewStates(tape, Rows.One(Ids))];
        int[] target = Ids[3..40];
        float[] whole = Next(target, states[0]), exact = tape[model.Logits(tape, Rows.One(Ids), Rows.One(target))][^Vocabulary..].ToArray();
        Next(target.AsMemory(0, 20), states[1]);
        Assert.Equal(whole, Next(target.AsMemory(20), states[1]));
        double difference = whole.Zip(exact).Max(pair => Math.Abs(pair.First - pair.Second));
        Assert.True(difference > 0 && difference < 0.05 * exact.Max(MathF.Abs), $"logits up to {exact.Max(MathF.Abs)} differ by {difference}");
        foreach (SequenceState state in states)
            state.Dispose();

        float[] Next(ReadOnlyMemory<int> ids, SequenceState state)
        {
            float[] logits = tape[model.NextLogits(tape, Rows.One(ids, state))].ToArray();
            tape.Rewind();
            return logits;
        }
    }

    [Theory]
    [InlineData("f16", 0.5)]
    [InlineData("bf16", 0.5)]
    [InlineData("q8_0", 34 / 128.0)]
    [InlineData("q4_0", 18 / 128.0)]
    public void BytesAreThoseOfTheFormat(string name, double share)
    {
        CacheFormat format = CacheFormat.Find(name);
        Assert.Equal(share * CacheFormat.Float32.PageOf(3, 64, 128).Elements, format.PageOf(3, 64, 128).Elements);
        Lemma.Planning.StorageFormat stored = Lemma.Planning.StorageFormat.Find(name);
        Assert.Equal(4L * format.PageOf(1, 64, 64).Elements, stored.BytesOf(192 * 2 * 64));
    }

    // One number of a head that is large in every key, as trained models have them: with the turn the scores of 4 bits are several times nearer.
    [Fact]
    public unsafe void TheTurnHelpsKeysWithOutliers()
    {
        const int count = 192, d = 64;
        float[] keys = OperationCheck.Random(count * d, 5), queries = OperationCheck.Random(count * d, 6);
        for (int i = 0; i < count; i++)
            keys[i * d + 7] = 20 + keys[i * d + 7];
        double plain = 0, turned = 0;
        byte* q = stackalloc byte[32];
        float[] key = new float[d], back = new float[d];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> query = queries.AsSpan(i * d, d), exact = keys.AsSpan(i * d, d);
            exact.CopyTo(key);
            plain += Squared(query, exact, Restored(key));
            Hadamard.Forward(exact, d, key);
            Hadamard.Forward(Restored(key), d, back);
            turned += Squared(query, exact, back);
        }
        Assert.True(turned < plain / 4, $"errors of scores: {Math.Sqrt(plain / count)} as they are, {Math.Sqrt(turned / count)} turned");

        float[] Restored(float[] x)
        {
            float[] y = new float[d];
            fixed (float* start = x)
            {
                for (int block = 0; block < d; block += 32)
                {
                    float scale = (float)BitConverter.UInt16BitsToHalf(CachedBlock.RoundFour(start + block, q));
                    for (int j = 0; j < 32; j++)
                        y[block + j] = scale * (q[j] - 8);
                }
            }
            return y;
        }

        static double Squared(ReadOnlySpan<float> query, ReadOnlySpan<float> exact, ReadOnlySpan<float> rounded)
        {
            double difference = Lanes.Dot(query, exact) - Lanes.Dot(query, rounded);
            return difference * difference;
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-7f)]
    [InlineData(3e-5f)]
    [InlineData(1f)]
    [InlineData(60000f)]
    [InlineData(4e5f)]
    public unsafe void RoundingErrsByHalfAStepAtMost(float size)
    {
        float[] x = [.. OperationCheck.Random(32, 9).Select(value => value * size / 4)];
        x[5] = -size;
        sbyte* eight = stackalloc sbyte[32];
        byte* four = stackalloc byte[32];
        fixed (float* start = x)
        {
            float scale = (float)BitConverter.UInt16BitsToHalf(CachedBlock.RoundEight(start, eight));
            float step = (float)BitConverter.UInt16BitsToHalf(CachedBlock.RoundFour(start, four));
            // The least half is 6e-8, so smaller blocks have coarser steps than their largest number asks for; 4 bits end at 7 on one side.
            Assert.InRange(Math.Abs(scale), size / 127, size / 127 * 1.001f + 6e-8f);
            for (int i = 0; i < 32; i++)
            {
                Assert.InRange(Math.Abs(x[i] - scale * eight[i]), 0, 0.5001f * scale);
                Assert.InRange(Math.Abs(x[i] - step * (four[i] - 8)), 0, (x[i] * step > 7 * step * step ? 1.0001f : 0.5001f) * Math.Abs(step));
            }
        }
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(3e38f)]
    public void WhatCannotBeKeptIsNaN(float value)
    {
        float[] x = Input(Heads);
        x[128 + 3] = value;
        foreach (CacheFormat format in (CacheFormat[])[CacheFormat.EightBits, CacheFormat.FourBits])
        {
            float[] y = Attend(format, Heads, x, false, 1, 2);
            // The first two heads share the key, which both positions see.
            Assert.All(Enumerable.Range(0, 2).SelectMany(i => y[(i * 256)..(i * 256 + 128)]), output => Assert.True(float.IsNaN(output)));
            Assert.All(Enumerable.Range(0, 2).SelectMany(i => y[(i * 256 + 128)..(i * 256 + 256)]), output => Assert.True(float.IsFinite(output)));
        }
    }

    [Fact]
    public void WhatAModelCannotKeepIsRefused()
    {
        DecoderConfig narrow = Presets.Llama(Vocabulary, width: 96, layers: 1, heads: 2, hidden: 96, length: 64);
        using Decoder model = new(narrow);
        foreach (CacheFormat format in (CacheFormat[])[CacheFormat.EightBits, CacheFormat.FourBits])
        {
            string message = Assert.Throws<ArgumentException>(() => model.CacheFormat = format).Message;
            Assert.Equal($"cache: {format} rounds blocks of 32 numbers, but heads have keys of 48 and values of 48", message);
            Assert.Same(CacheFormat.Float32, model.CacheFormat);
            Assert.Throws<ArgumentException>(() => Lemma.Planning.CachePlan.Of(narrow).AllocatedBytes(10, format));
        }
        model.CacheFormat = CacheFormat.BrainFloat16;
        using Decoder sums = new(narrow.WithBlocks(block => block with { Mixer = new LinearAttentionConfig { Heads = 2, HeadWidth = 48, ValueWidth = 48 } }));
        Assert.Contains("no layer of this model keeps keys and values", Assert.Throws<ArgumentException>(() => sums.CacheFormat = CacheFormat.Float16).Message, StringComparison.Ordinal);
        sums.CacheFormat = CacheFormat.Float32;
        using EncoderDecoder both = new(Presets.T5(Vocabulary, 64, 2, 4, 64));
        Assert.Throws<ArgumentException>(() => both.CacheFormat = CacheFormat.EightBits);
        Assert.Contains("q4_0", Assert.Throws<ArgumentException>(() => CacheFormat.Find("q5")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => model.CacheFormat = null!);
    }
}
