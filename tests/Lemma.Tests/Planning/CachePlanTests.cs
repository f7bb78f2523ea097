using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Planning;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Planning;

/// <summary>Caches are as large as planned, and as published.</summary>
public class CachePlanTests
{
    // DeepSeek-AI 2025, Insights into DeepSeek-V3, table 1: bytes of a token in bf16.
    [Fact]
    public void BytesOfATokenAreThosePublished()
    {
        Assert.Equal(70_272, CachePlan.Of(ParameterCountTests.DeepSeekV3()).BytesOfToken(StorageFormat.BrainFloat16));
        Assert.Equal(516_096, CachePlan.Of(ParameterCountTests.Llama3(126, 16384, 128, 53248)).BytesOfToken(StorageFormat.BrainFloat16));
        Assert.Equal(327_680, CachePlan.Of(Presets.Llama(152064, 8192, 80, 64, 29568, 32768, keyValueHeads: 8)).BytesOfToken(StorageFormat.BrainFloat16));
    }

    public static TheoryData<string> Kinds => ["heads", "groups", "window", "latent", "linear", "convolution", "delta"];

    [Theory, MemberData(nameof(Kinds))]
    public void AStateTakesThePlannedBytes(string kind)
    {
        DecoderConfig tiny = Presets.Tiny(61) with { MaximumLength = 1024 };
        DecoderConfig config = tiny.WithBlocks(block => block with { Mixer = MixerOf(kind, (AttentionConfig)block.Mixer) });
        using Decoder model = new(config);
        model.Initialize(1);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        CachePlan plan = CachePlan.Of(config);
        using SequenceState state = model.NewState();
        int[] ids = new int[1];
        for (int length = 1; length <= 600; length++)
        {
            model.NextLogits(tape, Rows.One(ids, state));
            tape.Rewind();
            if (length is 1 or 192 or 193 or 400 or 600)
                Assert.InRange(state.Bytes, plan.AllocatedBytes(length), plan.AllocatedBytes(length) + (kind == "window" ? plan.AllocatedBytes(192) : 0));
        }
        foreach (CacheFormat format in CacheFormat.All.Where(format => kind switch { "linear" or "convolution" or "delta" => false, "latent" => !format.Name.StartsWith('q'), _ => true }))
        {
            model.CacheFormat = format;
            using SequenceState kept = model.NewState();
            for (int length = 1; length <= 400; length++)
            {
                model.NextLogits(tape, Rows.One(ids, kept));
                tape.Rewind();
            }
            Assert.InRange(kept.Bytes, plan.AllocatedBytes(400, format), plan.AllocatedBytes(400, format) + (kind == "window" ? plan.AllocatedBytes(192, format) : 0));
        }
        long each = kind switch { "heads" or "window" => 2 * 128, "groups" => 2 * 2 * 32, "latent" => 24 + 8, _ => 0 };
        Assert.Equal(4 * each, plan.ElementsOfToken);
        Assert.Equal(4 * (kind switch { "window" => 100 * each, "linear" => 4 * 32 * 33, "convolution" => 3 * 128, "delta" => 2 * 3 * 128 + 4 * 16 * 32, _ => 600 * each }), plan.ElementsOf(600));
        Assert.Equal(4 * plan.ElementsOf(600), plan.BytesOf(600, StorageFormat.Float32));
        Assert.Equal(plan.ElementsOf(600) / 32 * 34, plan.BytesOf(600, StorageFormat.Find("q8_0")));
    }

    private static MixerConfig MixerOf(string kind, AttentionConfig plain) => kind switch
    {
        "groups" => plain with { KeyValueHeads = 2 },
        "window" => plain with { Window = 100 },
        "latent" => new LatentAttentionConfig
        {
            Heads = 4,
            KeyValueRank = 24,
            PlainWidth = 16,
            RotaryWidth = 8,
            ValueWidth = 16,
            Rotary = new RotaryConfig(),
            Norm = new RmsNormConfig(),
        },
        "linear" => new LinearAttentionConfig { Heads = 4, HeadWidth = 32, ValueWidth = 32 },
        "convolution" => new ShortConvolutionConfig { Kernel = 4 },
        "delta" => new GatedDeltaConfig { KeyHeads = 4, Heads = 4, HeadWidth = 16, ValueWidth = 32, Kernel = 4, Norm = new RmsNormConfig() },
        _ => plain,
    };

    [Fact]
    public void WrongSizesAreRefused()
    {
        CachePlan plan = CachePlan.Of(Presets.Tiny(61));
        Assert.Throws<ArgumentException>(() => plan.ElementsOf(-1));
        Assert.Throws<ArgumentException>(() => plan.AllocatedBytes(-1));
        Assert.Contains("q4_0", Assert.Throws<ArgumentException>(() => StorageFormat.Find("q5")).Message, StringComparison.Ordinal);
        Assert.Equal(0, CachePlan.Of(Presets.Bert(100, 32, 2, 2, 64, 64)).ElementsOfToken);
        Assert.Equal(4 * 2 * 64, CachePlan.Of(Presets.T5(100, 64, 4, 4, 64)).SourceElementsOfToken);
    }
}
