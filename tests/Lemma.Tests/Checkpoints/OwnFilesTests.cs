using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;
using Lemma.Weights;
using GatedFeedForward = Lemma.Modules.GatedFeedForward;

namespace Lemma.Tests.Checkpoints;

/// <summary>Models that no family of others can say are saved as Lemma's own files, and read back as the same.</summary>
public class OwnFilesTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 40).Select(i => i * i * 37 % 61)];

    public static TheoryData<string> Mixers => [.. MixerTests.Mixers.Keys];

    // Every kind of record and every field that may be null is there in one of them.
    private static Dictionary<string, ModelConfig> Configs { get; } = Made();

    public static TheoryData<string> Names => [.. Configs.Keys];

    [Theory, MemberData(nameof(Mixers))]
    public void ADecoderOfEveryMixerIsSavedAndReadBackWithItsBits(string name)
    {
        using TemporaryFolder folder = new();
        using Decoder model = MixerTests.Model(name);
        ModelFolder.Write(folder["model"], model);
        using Decoder read = ModelFolder.ReadDecoder(folder["model"]);
        Assert.Equal(model.Config, read.Config);
        Assert.Equal(Loss(model), Loss(read));
        ModelFolder.Write(folder["again"], read);
        foreach (string file in (string[])["config.json", "model.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder["model"], file)), File.ReadAllBytes(Path.Combine(folder["again"], file)));
    }

    [Theory, MemberData(nameof(Names))]
    public void EveryFieldOfEveryRecordIsWrittenAndRead(string name)
    {
        ModelConfig config = Configs[name];
        string before = Written(config);
        Assert.Equal(config, Read(before));
        List<string> seen = [];
        foreach (object record in RecordsIn(config))
        {
            foreach (PropertyInfo property in record.GetType().GetProperties().Where(property => property.CanWrite && Changed(property, record) is not null))
            {
                object? old = property.GetValue(record);
                property.SetValue(record, Changed(property, record));
                string after = Written(config);
                Assert.True(after != before, $"{record.GetType().Name}.{property.Name} is not written");
                Assert.True(Read(after).Equals(config), $"{record.GetType().Name}.{property.Name} is not read");
                property.SetValue(record, old);
                seen.Add(property.Name);
            }
        }
        Assert.True(seen.Count > 10);
        Assert.Equal(before, Written(config));
    }

    [Fact]
    public void TheRecordsOfTheTestAreAllThatThereAre()
    {
        Type[] kinds = [typeof(MixerConfig), typeof(FeedForwardConfig), typeof(NormConfig), typeof(PositionBiasConfig), typeof(AttentionPattern),
            typeof(RopeScaling), typeof(ModelConfig)];
        HashSet<Type> tried = [.. Configs.Values.SelectMany(RecordsIn).Select(record => record.GetType())];
        foreach (Type type in kinds.SelectMany(kind => kind.Assembly.GetTypes().Where(type => type.IsSubclassOf(kind) && !type.IsAbstract)))
            Assert.True(tried.Contains(type) || type == RopeScaling.None.GetType(), $"{type.Name} is not among the configs of this test");
    }

    [Fact]
    public void EqualBlocksAreWrittenOnce()
    {
        DecoderConfig config = MixerTests.Model("linear").Config.WithLayers(30);
        JsonNode json = JsonNode.Parse(Written(config))!;
        JsonObject block = Assert.IsType<JsonObject>(Assert.Single(json["stack"]!["blocks"]!.AsArray()));
        Assert.Equal(30, (int)block["times"]!);
        Assert.Equal("linear_attention", (string)block["mixer"]!["type"]!);
        Assert.Equal(config, Read(Written(config)));
    }

    [Theory]
    [InlineData("\"heads\":4", "\"heads\":4,\"hats\":3", "the field \"stack.blocks[0].mixer.hats\" is not known")]
    [InlineData("\"heads\":4", "\"heads\":4,\"hats\":false", "the field \"stack.blocks[0].mixer.hats\" is not known")]
    [InlineData("\"heads\":4", "\"heads\":16000000", "are beyond")]
    [InlineData("\"type\":\"rms_norm\"", "\"type\":\"rms_norm\",\"epsilon\":1e39", "must be a finite number of single precision")]
    [InlineData("\"heads\":4", "\"heads\":4,\"heads\":4", "the key 'heads' occurs twice in one object")]
    [InlineData("\"heads\":4,", "", "\"stack.blocks[0].mixer.heads\" is missing")]
    [InlineData("\"heads\":4", "\"heads\":\"4\"", "\"stack.blocks[0].mixer.heads\" must be a whole number")]
    [InlineData("\"heads\":4", "\"heads\":NaN", "config")]
    [InlineData("\"heads\":4", "\"heads\":0", "sizes must be positive")]
    [InlineData("linear_attention", "quadratic", "\"stack.blocks[0].mixer.type\": 'quadratic' is not known; known are attention, latent_attention, linear_attention")]
    [InlineData("\"times\":2", "\"times\":2147483647", "\"stack.blocks[0].times\" must be a whole number from 1 to 4096")]
    [InlineData("\"value_width\":12", "\"value_width\":13", "has shape")]
    [InlineData("\"times\":2", "\"times\":3", "missing blocks.2.")]
    public void WhatIsWrongIsNamed(string part, string other, string error)
    {
        using TemporaryFolder folder = new();
        using Decoder model = MixerTests.Model("linear");
        ModelFolder.Write(folder["model"], model);
        string file = Path.Combine(folder["model"], "config.json"), text = Compact(File.ReadAllText(file));
        Assert.Contains(part, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(part, other, StringComparison.Ordinal));
        InvalidDataException wrong = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder["model"]));
        Assert.Contains(error, wrong.Message, StringComparison.Ordinal);
        Assert.Contains(folder["model"], wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnEncoderDecoderOfMixedBlocksIsReadBackWithItsBits()
    {
        using TemporaryFolder folder = new();
        using Model model = Configs["encoder_decoder"].Validate().Declare();
        model.Parameters.Allocate();
        model.Initialize(3);
        ModelFolder.Write(folder["model"], model);
        using Model read = ModelFolder.Read(folder["model"]);
        Assert.IsType<EncoderDecoder>(read);
        Assert.Equal(Configs["encoder_decoder"], read.AnyConfig);
        foreach (Parameter parameter in model.Parameters.All)
            Assert.Equal(model.Parameters.Weights(parameter).ToArray(), read.Parameters.Weights(read.Parameters[parameter.Name]).ToArray());
    }

    private static float Loss(Decoder model)
    {
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        return (float)model.Loss(tape, Rows.One(Ids), Ids).Mean(tape);
    }

    private static string Compact(string json) => string.Concat(json.Where(letter => letter is not ('\n' or ' ')));

    internal static string Written(ModelConfig config)
    {
        using MemoryStream stream = new();
        using (System.Text.Json.Utf8JsonWriter json = new(stream))
            Assert.True(Family.Find("lemma")!.Write(json, config));
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    internal static ModelConfig Read(string json) =>
        Family.Find("lemma")!.Read(Lemma.Formats.JsonSettings.Parse(System.Text.Encoding.UTF8.GetBytes(json), "config"));

    // Another value of a plain property; null for parts, which have properties of their own, and for what this test leaves out.
    private static object? Changed(PropertyInfo property, object record) => property.GetValue(record) switch
    {
        // Ids are written as every family writes them.
        _ when property.Name is nameof(ModelConfig.BeginId) or nameof(ModelConfig.EndId) or nameof(ModelConfig.FurtherEndIds) => null,
        // Experts have no biases.
        _ when record is ExpertsFeedForward && property.Name == nameof(FeedForwardConfig.Bias) => null,
        int number => number + 1,
        ulong number => number + 1,
        float number => number + 0.25f,
        double number => number + 0.25,
        bool flag => !flag,
        Enum choice => Enum.GetValues(choice.GetType()).Cast<object>().First(other => !other.Equals(choice)),
        ValueList<int> numbers => (ValueList<int>)[.. numbers, 3],
        ValueList<double> numbers => (ValueList<double>)[.. numbers, 3],
        null when property.PropertyType == typeof(int?) => 3,
        null when property.PropertyType == typeof(float?) => 0.5f,
        null when property.PropertyType == typeof(double?) => 0.5,
        _ => null,
    };

    internal static IEnumerable<object> RecordsIn(object? value)
    {
        if (value is null or string or ValueType or ValueList<int> or ValueList<double>)
            return [];
        if (value is IEnumerable items)
            return items.Cast<object>().Take(1).SelectMany(RecordsIn);
        return [value, .. value.GetType().GetProperties().Where(property => property.CanWrite && property.GetIndexParameters().Length == 0)
            .SelectMany(property => RecordsIn(property.GetValue(value)))];
    }

    internal static Dictionary<string, ModelConfig> Made()
    {
        AttentionConfig plain = new() { Heads = 4, KeyValueHeads = 2, HeadWidth = 8, Rotary = new RotaryConfig(), QueryKeyNorm = new RmsNormConfig() };
        BlockConfig block = new() { Mixer = plain, FeedForward = new GatedFeedForward(48), Before = new RmsNormConfig(), After = new LayerNormConfig() };
        StackConfig stack = new()
        {
            Embedding = new EmbeddingConfig { VocabularySize = 61, Width = 32, Norm = new LayerNormConfig() },
            Blocks = [block],
            Norm = new RmsNormConfig(),
        };
        DecoderConfig decoder = new()
        {
            MaximumLength = 64,
            Stack = stack,
            Head = new HeadConfig(Tied: false) { Transform = new HeadTransform(Activation.Gelu, new LayerNormConfig()) },
            BeginId = 1,
            EndId = 2,
            FurtherEndIds = [5, 6],
        };
        Dictionary<string, ModelConfig> all = new()
        {
            ["decoder"] = decoder,
            ["encoder"] = new EncoderConfig { MaximumLength = 64, Stack = stack, Pooler = true, Classes = 2, Head = new HeadConfig(Tied: true) },
            ["encoder_decoder"] = new EncoderDecoderConfig
            {
                MaximumLength = 64,
                Encoder = stack with { Blocks = [block with { Mixer = plain with { Mask = MaskKind.None } }, block] },
                Decoder = stack with { Blocks = [block with { Cross = plain with { Mask = MaskKind.None, Rotary = null } }] },
                Head = new HeadConfig(Tied: true),
                DecoderBeginId = 1,
            },
            ["experts"] = decoder.WithBlocks(own => own with
            {
                AfterSum = new LayerNormConfig(),
                FeedForward = new ExpertsFeedForward(24, new ExpertRouting { Experts = 4, Chosen = 2 }) { Shared = new GatedFeedForward(16) },
            }),
            ["slopes"] = decoder with { Stack = stack with { Bias = new SlopeBias(4) } },
            ["buckets"] = decoder with { Stack = stack with { Bias = new BucketBias(4) } },
            ["plain"] = decoder.WithBlocks(own => own with { FeedForward = new PlainFeedForward(48, Activation.Relu, Bias: true) }),
        };
        foreach ((string name, MixerConfig mixer) in MixerTests.Mixers)
            all[name] = decoder.WithBlocks(own => own with { Mixer = mixer });
        RopeScaling[] scalings = [new LinearRopeScaling(2), new NtkRopeScaling(2), new DynamicNtkRopeScaling(2, 32), new YarnRopeScaling(2, 32),
            new Llama3RopeScaling(8, 1, 4, 32), new LongRopeScaling([1, 2, 3, 4], [3, 4, 5, 6], 2, 32), new ProportionalRopeScaling(0.5)];
        foreach (RopeScaling scaling in scalings)
            all[scaling.GetType().Name] = decoder.WithBlocks(own => own with { Mixer = plain with { Rotary = new RotaryConfig { Scaling = scaling } } });
        return all;
    }
}
