using System.Reflection;
using System.Text.Json.Nodes;
using Lemma.Checkpoints;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;
using Lemma.Tests.Checkpoints;

namespace Lemma.Tests.Models;

/// <summary>Numbers of configs that would make NaN are refused by the record that holds them, whichever family they come from.</summary>
public class ConfigNumberTests
{
    private const double Nan = double.NaN, Infinity = double.PositiveInfinity;
    private const string Norm = "norm: epsilon must be positive and finite, but it is ";

    private static readonly AttentionConfig Attention = new() { Heads = 4, KeyValueHeads = 2, HeadWidth = 4, Rotary = new RotaryConfig() };

    private static readonly DecoderConfig Config = Presets.Llama(20, width: 16, layers: 2, heads: 4, hidden: 24, length: 64).WithBlocks(block =>
        block with { Mixer = Attention });

    // Where 0 means none, or the first of a range.
    private static readonly HashSet<string> MayBeZero =
    [
        "DecoderConfig.Dropout", "EncoderConfig.Dropout", "EncoderDecoderConfig.Dropout", "HeadConfig.Cap", "AttentionConfig.ScoreCap",
        "ExpertsFeedForward.BalanceWeight", "AdaptiveSpanConfig.First", "Llama3RopeScaling.LowFactor", "ProportionalRopeScaling.Share",
    ];

    private static readonly Dictionary<string, (Func<double, DecoderConfig> With, double[] Wrong, string Sentence)> Fields = new()
    {
        ["rotary θ"] = (x => Rotary(new RotaryConfig(x)), [0, 1, 0.5, -1, Nan, Infinity], "rope: θ must be above 1 and finite, but it is "),
        ["linear factor"] = (x => Scaled(new LinearRopeScaling(x)), [0, 0.5, -1, Nan, Infinity],
            "rope: the factor of linear scaling must be at least 1 and finite, but it is "),
        ["ntk factor"] = (x => Scaled(new NtkRopeScaling(x)), [0, 0.5, -1, Nan, Infinity],
            "rope: the factor of ntk scaling must be at least 1 and finite, but it is "),
        ["dynamic factor"] = (x => Scaled(new DynamicNtkRopeScaling(x, 32)), [0, 0.5, -1, Nan, Infinity],
            "rope: the factor of dynamic ntk scaling must be at least 1 and finite, but it is "),
        ["dynamic length"] = (x => Scaled(new DynamicNtkRopeScaling(2, (int)x)), [0, -1],
            "rope: the trained length of dynamic ntk scaling must be at least 1, but it is "),
        ["yarn factor"] = (x => Scaled(new YarnRopeScaling(x, 32)), [0, 0.5, -1, Nan, Infinity],
            "rope: the factor of yarn scaling must be at least 1 and finite, but it is "),
        ["yarn length"] = (x => Scaled(new YarnRopeScaling(2, (int)x)), [0, -1], "rope: the trained length of yarn scaling must be at least 1, but it is "),
        ["yarn fast turns"] = (x => Scaled(new YarnRopeScaling(2, 32, x)), [0, -1, Nan, Infinity],
            "rope: the fast turns of yarn scaling must be positive and finite, but it is "),
        ["yarn slow turns"] = (x => Scaled(new YarnRopeScaling(2, 32, 32, x)), [0, -1, Nan, Infinity],
            "rope: the slow turns of yarn scaling must be positive and finite, but it is "),
        ["yarn attention factor"] = (x => Scaled(new YarnRopeScaling(2, 32) { AttentionFactor = x }), [0, -1, Nan, Infinity, 1e300],
            "rope: the attention factor of yarn scaling must be positive and finite, but it is "),
        ["llama3 factor"] = (x => Scaled(new Llama3RopeScaling(x, 1, 4, 32)), [0, 0.5, -1, Nan, Infinity],
            "rope: the factor of llama3 scaling must be at least 1 and finite, but it is "),
        ["llama3 low factor"] = (x => Scaled(new Llama3RopeScaling(8, x, 4, 32)), [-1, 4, 5, Nan, Infinity],
            "rope: the low factor of llama3 scaling must be at least 0 and the high factor above it and finite, but they are "),
        ["llama3 length"] = (x => Scaled(new Llama3RopeScaling(8, 1, 4, (int)x)), [0, -1],
            "rope: the trained length of llama3 scaling must be at least 1, but it is "),
        ["longrope factor"] = (x => Scaled(new LongRopeScaling([1, 1], [2, 2], x, 32)), [0, -1, Nan, Infinity],
            "rope: the factor of longrope scaling must be positive and finite, but it is "),
        ["longrope short factor"] = (x => Scaled(new LongRopeScaling([1, x], [2, 2], 2, 32)), [0, -1, Nan, Infinity],
            "rope: a short factor of longrope scaling must be positive and finite, but it is "),
        ["longrope long factor"] = (x => Scaled(new LongRopeScaling([1, 1], [x, 2], 2, 32)), [0, -1, Nan, Infinity],
            "rope: a long factor of longrope scaling must be positive and finite, but it is "),
        ["longrope length"] = (x => Scaled(new LongRopeScaling([1, 1], [2, 2], 2, (int)x)), [0, 1, -1],
            "rope: the trained length of longrope scaling must be at least 2, but it is "),
        ["proportional share"] = (x => Scaled(new ProportionalRopeScaling(x)), [-0.1, 1.5, Nan, Infinity],
            "rope: the share of proportional scaling must lie in [0, 1], but it is "),
        ["proportional factor"] = (x => Scaled(new ProportionalRopeScaling(0.5, x)), [0, -1, Nan, Infinity],
            "rope: the factor of proportional scaling must be at least 1 and finite, but it is "),
        ["attention scale"] = (x => Mixed(Attention with { Scale = (float)x }), [0, -1, Nan, Infinity],
            "attention: the scale must be positive and finite, but it is "),
        ["attention cap"] = (x => Mixed(Attention with { ScoreCap = (float)x }), [-1, Nan, Infinity],
            "attention: the cap of scores must be at least 0 and finite, but it is "),
        ["attention span"] = (x => Mixed(Attention with { Span = new AdaptiveSpanConfig((float)x, 4) }), [-1, Nan, Infinity],
            "attention: a learned span must have a finite ramp above 0 and a finite first span of at least 0, but they are 4 and "),
        ["attention ramp"] = (x => Mixed(Attention with { Span = new AdaptiveSpanConfig(4, (float)x) }), [0, -1, Nan, Infinity],
            "attention: a learned span must have a finite ramp above 0 and a finite first span of at least 0, but they are "),
        ["norm of queries and keys"] = (x => Mixed(Attention with { QueryKeyNorm = new RmsNormConfig((float)x) }), [0, -1, Nan, Infinity], Norm),
        ["norm before"] = (x => Config.WithBlocks(block => block with { Before = new LayerNormConfig((float)x) }), [0, -1, Nan, Infinity], Norm),
        ["norm after"] = (x => Config.WithBlocks(block => block with { After = new RmsNormConfig((float)x) }), [0, -1, Nan, Infinity], Norm),
        ["norm of the sum"] = (x => Config.WithBlocks(block => block with { AfterSum = new RmsNormConfig((float)x) }), [0, -1, Nan, Infinity], Norm),
        ["last norm"] = (x => Config with { Stack = Config.Stack with { Norm = new RmsNormConfig((float)x) } }, [0, -1, Nan, Infinity], Norm),
        ["norm of the embedding"] = (x => Embedded(Config.Stack.Embedding with { Norm = new RmsNormConfig((float)x) }), [0, -1, Nan, Infinity], Norm),
        ["norm of the head"] = (x => Config with { Head = new HeadConfig(true) { Transform = new(Activation.Gelu, new RmsNormConfig((float)x)) } },
            [0, -1, Nan, Infinity], Norm),
        ["embedding scale"] = (x => Embedded(Config.Stack.Embedding with { Scale = (float)x }), [0, -1, Nan, Infinity],
            "embedding: the scale must be positive and finite, but it is "),
        ["residual scale"] = (x => Config.WithBlocks(block => block with { ResidualScale = (float)x }), [0, -1, Nan, Infinity],
            "block: the residual scale must be positive and finite, but it is "),
        ["head scale"] = (x => Config with { Head = Config.Head with { Scale = (float)x } }, [0, -1, Nan, Infinity],
            "head: the scale must be positive and finite, but it is "),
        ["head cap"] = (x => Config with { Head = Config.Head with { Cap = (float)x } }, [-1, Nan, Infinity],
            "head: the cap must be at least 0 and finite, but it is "),
        ["expert scale"] = (x => Config.WithBlocks(block => block with
        {
            FeedForward = new ExpertsFeedForward(8, new ExpertRouting { Experts = 2, Chosen = 1, Scale = (float)x }),
        }), [0, -1, Nan, Infinity], "experts: the scale must be positive and finite, but it is "),
    };

    public static TheoryData<string> Names => [.. Fields.Keys];

    public static TheoryData<string> Configs => [.. OwnFilesTests.Names];

    [Theory, MemberData(nameof(Names))]
    public void WrongNumbersAreRefusedByRecordAndField(string name)
    {
        (Func<double, DecoderConfig> with, double[] wrong, string sentence) = Fields[name];
        foreach (double number in wrong)
        {
            string message = Assert.Throws<ArgumentException>(() => with(number).Validate()).Message;
            Assert.StartsWith(sentence, message, StringComparison.Ordinal);
            // The same in a file: its name stands before.
            if (!double.IsFinite(number))
                continue;
            using TemporaryFolder folder = new();
            string file = folder.Write("config.json", OwnFilesTests.Written(with(number)));
            Assert.StartsWith(file, Assert.Throws<InvalidDataException>(() => ModelFolder.ReadConfig(file)).Message, StringComparison.Ordinal);
        }
        with(name is "proportional share" ? 0.5 : name is "longrope length" or "dynamic length" or "yarn length" or "llama3 length" ? 16 : 1.5).Validate();
    }

    /// <summary>No record of a config has a number that may be NaN, infinite or negative, and 0 where it divides.</summary>
    [Theory, MemberData(nameof(Configs))]
    public void NoNumberOfAnyRecordIsLeftOut(string name)
    {
        ModelConfig config = OwnFilesTests.Read(OwnFilesTests.Written(OwnFilesTests.Made()[name]));
        config.Validate();
        int tried = 0;
        foreach (object record in OwnFilesTests.RecordsIn(config))
        {
            foreach (PropertyInfo property in record.GetType().GetProperties().Where(property => property.CanWrite))
            {
                string field = $"{record.GetType().Name}.{property.Name}";
                foreach (double wrong in (double[])[Nan, Infinity, -Infinity, -1, 0])
                {
                    if ((wrong == 0 && MayBeZero.Contains(field)) || In(property, record, wrong) is not { } value)
                        continue;
                    object? old = property.GetValue(record);
                    property.SetValue(record, value);
                    Assert.True(Record.Exception(() => config.Validate()) is ArgumentException, $"{field}: {wrong} is not refused");
                    property.SetValue(record, old);
                    tried++;
                }
            }
        }
        config.Validate();
        Assert.True(tried > 20, $"{tried} numbers were tried");
    }

    [Theory]
    [InlineData("llama3-rope", "high_freq_factor", "1.0", "rope: the low factor of llama3 scaling must be at least 0")]
    [InlineData("llama-yarn", "beta_slow", "0", "rope: the slow turns of yarn scaling must be positive and finite, but it is 0")]
    [InlineData("llama-linear-rope", "rope_theta", "1", "rope: θ must be above 1 and finite, but it is 1")]
    [InlineData("granite", "logits_scaling", "0", "head: the scale must be positive and finite, but it is Infinity")]
    [InlineData("granite", "residual_multiplier", "0", "block: the residual scale must be positive and finite, but it is 0")]
    [InlineData("granite", "embedding_multiplier", "-1", "embedding: the scale must be positive and finite, but it is -1")]
    [InlineData("gemma2", "final_logit_softcapping", "-3", "head: the cap must be at least 0 and finite, but it is -3")]
    [InlineData("gemma2", "query_pre_attn_scalar", "0", "attention: the scale must be positive and finite, but it is Infinity")]
    [InlineData("deepseek-v3", "routed_scaling_factor", "0", "experts: the scale must be positive and finite, but it is 0")]
    [InlineData("bert", "layer_norm_eps", "0", "norm: epsilon must be positive and finite, but it is 0")]
    public void ConfigsOfOtherProjectsAreRefusedAlike(string family, string field, string value, string sentence)
    {
        using TemporaryFolder folder = new();
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family, "config.json")))!.AsObject();
        JsonObject[] places = [.. ((JsonObject?[])[config["rope_parameters"] as JsonObject, config["rope_scaling"] as JsonObject, config]).OfType<JsonObject>()
            .Where(place => place.ContainsKey(field))];
        JsonObject place = places.Length > 0 ? places[0] : config["rope_parameters"] as JsonObject ?? config;
        place[field] = JsonNode.Parse(value);
        string file = folder.Write("config.json", config.ToJsonString());
        Assert.StartsWith($"{file}: {sentence}", Assert.Throws<InvalidDataException>(() => ModelFolder.ReadConfig(file)).Message, StringComparison.Ordinal);
    }

    // A number in the type of a property; null where the property is no fraction.
    private static object? In(PropertyInfo property, object record, double number) => (Nullable.GetUnderlyingType(property.PropertyType)
        ?? property.PropertyType) switch
    {
        var type when type == typeof(float) => (float)number,
        var type when type == typeof(double) => number,
        var type when type == typeof(ValueList<double>) => (ValueList<double>)[number, .. ((ValueList<double>)property.GetValue(record)!).Skip(1)],
        _ => null,
    };

    private static DecoderConfig Rotary(RotaryConfig rotary) => Mixed(Attention with { Rotary = rotary });

    private static DecoderConfig Scaled(RopeScaling scaling) => Rotary(new RotaryConfig { Scaling = scaling });

    private static DecoderConfig Mixed(MixerConfig mixer) => Config.WithBlocks(block => block with { Mixer = mixer });

    private static DecoderConfig Embedded(EmbeddingConfig embedding) => Config with { Stack = Config.Stack with { Embedding = embedding } };
}
