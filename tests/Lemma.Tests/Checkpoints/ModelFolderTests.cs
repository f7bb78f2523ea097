using System.Text.Json.Nodes;
using Lemma.Checkpoints;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;
using Lemma.Tests.Oracles;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

public class ModelFolderTests
{
    private static string Golden(string family) => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family);

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void ACheckpointIsReadAndWrittenBackByteForByte(string family)
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden(family));
        (DecoderConfig config, Parameters parameters) = (model.Config, model.Parameters);
        ModelFolder.Write(folder["copy"], model);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Golden(family), "model.safetensors")), File.ReadAllBytes(Path.Combine(folder["copy"],
            "model.safetensors")));
        Assert.Equal(config, ModelFolder.ReadDecoderConfig(folder["copy"]));
        Assert.True(File.Exists(Path.Combine(folder["copy"], "generation_config.json")));
    }

    public static TheoryData<string> Families => [.. Directory.EnumerateDirectories(Golden("")).Select(folder => Path.GetFileName(folder)!)
        .Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Families))]
    public void AFolderIsWrittenAsTheFamilyThatItWasReadAs(string family)
    {
        using TemporaryFolder folder = new();
        using Model model = ModelFolder.Read(Golden(family));
        ModelFolder.Write(folder["copy"], model);
        Assert.Equal(Kind(Golden(family)), Kind(folder["copy"]));
        Assert.Equal(Kind(Golden(family)), ModelFolder.FamilyOf(ModelFolder.ReadConfig(Golden(family)), model.Origin));

        static string Kind(string path) => (string)JsonNode.Parse(File.ReadAllText(Path.Combine(path, "config.json")))!["model_type"]!;
    }

    [Fact]
    public void AModelAndItsAdapterAreOfTheFamilyOfItsConfig()
    {
        DecoderConfig config = ModelFolder.ReadDecoderConfig(Golden("phi3"), out string origin);
        Assert.Equal(("phi3", "llama"), (origin, ModelFolder.FamilyOf(config)));
        using Decoder model = new(config) { Origin = origin };
        AdapterConfig targets = new() { Rank = 2, Alpha = 2, Targets = ["qkv_proj", "gate_up_proj"] };
        using (Adapter adapter = AdapterFolder.Create(model, targets, seed: 1))
            Assert.Equal("model.layers.0.self_attn.qkv_proj.lora_A.weight", adapter.Parameters.All[0].Name);
        model.Origin = "phi4";
        Assert.StartsWith("model: the origin 'phi4' is none of ", Assert.Throws<ArgumentException>(() => AdapterFolder.Create(model, targets, seed: 1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Gpt2sConfigIsReadAsItIs()
    {
        DecoderConfig expected = Presets.Gpt2(96, width: 32, layers: 2, heads: 4, length: 128);
        expected = expected with { Dropout = 0.1f, BeginId = 1, EndId = 2 };
        Assert.Equal(expected, ModelFolder.ReadDecoderConfig(Golden("gpt2")));
    }

    [Fact]
    public void LlamasConfigIsReadAsItIs()
    {
        DecoderConfig expected = Presets.Llama(96, width: 32, layers: 2, heads: 4, hidden: 80, length: 128, keyValueHeads: 2) with { BeginId = 1, EndId = 2 };
        Assert.Equal(expected, ModelFolder.ReadDecoderConfig(Golden("llama")));
    }

    [Fact]
    public void LinearWeightsOfGpt2AreTurned()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("gpt2"));
        Parameters parameters = model.Parameters;
        using TensorFile file = TensorFile.Open(Path.Combine(Golden("gpt2"), "model.safetensors"));
        float[] stored = new float[32 * 96];
        file.Read(file.Find("transformer.h.1.attn.c_attn.weight")!, stored);
        Span<float> ours = parameters.Weights(parameters["blocks.1.attention.qkv.weight"]);
        for (int output = 0; output < 96; output++)
        {
            for (int input = 0; input < 32; input++)
                Assert.Equal(stored[input * 96 + output], ours[output * 32 + input]);
        }
    }

    [Fact]
    public void NamesWithoutThePrefixAndOldConstantsAreAccepted()
    {
        using TemporaryFolder folder = new();
        string copy = Rewrite(folder, "gpt2", tensors => [.. tensors.Select(t => t with { Name = t.Name.Replace("transformer.", "") }),
            new("h.0.attn.bias", [1, 1, 2, 2], () => new float[4]), tensors.First(t => t.Name == "transformer.wte.weight") with { Name = "lm_head.weight" }]);
        using Decoder model = ModelFolder.ReadDecoder(copy);
        (DecoderConfig config, Parameters parameters) = (model.Config, model.Parameters);
        ModelFolder.Write(folder["again"], model);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Golden("gpt2"), "model.safetensors")),
            File.ReadAllBytes(Path.Combine(folder["again"], "model.safetensors")));
    }

    [Fact]
    public void AHeadThatDiffersFromATiedEmbeddingIsUsed()
    {
        using TemporaryFolder folder = new();
        float[] head = OperationCheck.Random(96 * 32, 5);
        string copy = Rewrite(folder, "gpt2", tensors => [.. tensors, new("lm_head.weight", [96, 32], () => head)]);
        Assert.True(ModelFolder.ReadDecoderConfig(copy).Head.Tied);
        using Decoder decoder = ModelFolder.ReadDecoder(copy);
        Assert.False(decoder.Config.Head.Tied);
        Assert.Equal(head, decoder.Parameters.Weights(decoder.Parameters["head.weight"]));
        ModelFolder.Write(folder["again"], decoder);
        Assert.False(ModelFolder.ReadDecoderConfig(folder["again"]).Head.Tied);

        string narrow = Rewrite(folder, "gpt2", tensors => [.. tensors, new("lm_head.weight", [95, 32], () => head.AsSpan(0, 95 * 32))]);
        Assert.Contains("[95, 32]", Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoder(narrow)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AllIdsThatEndATextAreRead()
    {
        using TemporaryFolder folder = new();
        string copy = Rewrite(folder, "llama", tensors => tensors), config = Path.Combine(copy, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"eos_token_id\": 2", "\"eos_token_id\": [2, 5, 500]"));
        File.WriteAllText(Path.Combine(copy, "generation_config.json"), """{"eos_token_id": [5, 9, -1, 2]}""");
        Assert.Equal([2, 5, 9], ModelFolder.ReadConfig(copy).EndIds);
        using Decoder decoder = ModelFolder.ReadDecoder(copy);
        ModelFolder.Write(folder["again"], decoder);
        Assert.Equal([2, 5, 9], ModelFolder.ReadDecoderConfig(folder["again"]).EndIds);
    }

    [Fact]
    public void WeightsInSeveralFilesAreThoseInOne()
    {
        using TemporaryFolder folder = new();
        string copy = Rewrite(folder, "llama", tensors => tensors), whole = Path.Combine(copy, "model.safetensors");
        using Decoder one = ModelFolder.ReadDecoder(copy);
        using (TensorFile file = TensorFile.Open(whole))
            SafetensorsWriter.WriteFolder(copy, [.. file.Tensors.Select(entry => new SafetensorsTensor(entry.Name, [.. entry.Sizes.Select(size =>
                (int)size)], () =>
            {
                float[] values = new float[entry.Count];
                file.Read(entry, values);
                return values;
            }))], new SafetensorsOptions { MaximumShardBytes = 10_000 });
        File.Delete(whole);
        Assert.True(Directory.GetFiles(copy, "model-*-of-*.safetensors").Length > 2);
        using Decoder several = ModelFolder.ReadDecoder(copy);
        Assert.All(one.Parameters.All, parameter => Assert.True(one.Parameters.Weights(parameter)
            .SequenceEqual(several.Parameters.Weights(several.Parameters[parameter.Name])), parameter.Name));
    }

    [Theory]
    [InlineData(1, "model.", 2, "")]
    [InlineData(1, "", 2, "")]
    [InlineData(2, "model.", 2, "")]
    [InlineData(0, "model.", 2, "unexpected model.layers.2.eh_proj.weight, model.layers.2.self_attn.o_proj.weight")]
    [InlineData(1, "model.", 3, "unexpected model.layers.3.eh_proj.weight, model.layers.3.self_attn.o_proj.weight")]
    [InlineData(1, "model.", 1, "unexpected model.layers.1.eh_proj.weight")]
    [InlineData(1, "model.further.", 2, "unexpected model.further.layers.2.eh_proj.weight, model.further.layers.2.self_attn.o_proj.weight")]
    public void LayersOfDeepSeekThatPredictFurtherTokensAreLeftOut(int count, string prefix, int layer, string reason)
    {
        using TemporaryFolder folder = new();
        string copy = Rewrite(folder, "deepseek-v3", tensors => [.. tensors, .. ((string[])["eh_proj", "self_attn.o_proj"]).Select(name =>
            new SafetensorsTensor($"{prefix}layers.{layer}.{name}.weight", [2, 3], () => new float[6])).Where(further => !tensors.Exists(tensor =>
                tensor.Name == further.Name))]);
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(copy, "config.json")))!.AsObject();
        config["num_nextn_predict_layers"] = count;
        File.WriteAllText(Path.Combine(copy, "config.json"), config.ToJsonString());
        if (reason.Length > 0)
        {
            Assert.EndsWith("the tensors are not those of the config: " + reason, Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoder(copy)).Message,
                StringComparison.Ordinal);
            return;
        }
        using Decoder model = ModelFolder.ReadDecoder(copy), plain = ModelFolder.ReadDecoder(Golden("deepseek-v3"));
        Assert.Equal(plain.Config, model.Config);
        foreach (Parameter parameter in plain.Parameters.All)
            Assert.True(plain.Parameters.Weights(parameter).SequenceEqual(model.Parameters.Weights(model.Parameters[parameter.Name])), parameter.Name);
    }

    [Fact]
    public void MissingAndUnexpectedNamesAreListed()
    {
        using TemporaryFolder folder = new();
        string copy = Rewrite(folder, "llama", tensors => [.. tensors.Where(t => t.Name != "model.norm.weight"), new("model.extra", [1],
            () => new float[1])]);
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoder(copy));
        Assert.EndsWith("the tensors are not those of the config: missing model.norm.weight; unexpected model.extra", e.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AnUntiedHeadIsNotTakenForTheEmbedding()
    {
        using TemporaryFolder folder = new();
        string copy = Rewrite(folder, "llama", tensors => [.. tensors.Where(t => t.Name != "lm_head.weight")]);
        Assert.Contains("missing lm_head.weight", Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoder(copy)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama", "hidden_size", "33", "4 heads do not divide d_model 33", false)]
    [InlineData("llama", "num_key_value_heads", "3", "3 key/value heads do not divide 4 heads", true)]
    [InlineData("llama", "vocab_size", "97", "has shape [96, 32], but the config asks for [97, 32]", true)]
    [InlineData("llama", "vocab_size", "16777216", "has shape [96, 32], but the config asks for [16777216, 32]", true)]
    [InlineData("llama", "num_hidden_layers", "4000", "4000 layers, but the file has only", true)]
    [InlineData("llama", "num_hidden_layers", "0", "\"num_hidden_layers\" must be a whole number from 1 to 4096, but it is 0", true)]
    [InlineData("llama", "head_dim", "16777216", "heads of width 16777216 are more than a model can have", true)]
    [InlineData("llama", "hidden_act", "\"sine\"", "\"hidden_act\": 'sine' is not supported", true)]
    [InlineData("llama", "mlp_bias", "true", "missing model.layers.0.mlp.gate_proj.bias", true)]
    [InlineData("llama", "rope_parameters", """{"rope_type":"llama3","rope_theta":1e4,"factor":8}""", "\"rope_parameters.low_freq_factor\" is missing", true)]
    [InlineData("llama", "rope_scaling", """{"type":"spiral","factor":2}""", "the rope type 'spiral' is not supported", true)]
    [InlineData("llama", "rms_norm_eps", "\"x\"", "\"rms_norm_eps\" must be a finite number, but it is \"x\"", true)]
    [InlineData("llama", "rms_norm_eps", "0", "epsilon must be positive", true)]
    [InlineData("llama", "model_type", "\"mamba\"", "the model type 'mamba' is not supported; supported are bart, bert, bloom, cohere2, deepseek_v2, deepseek_v3, distilbert, ernie4_5, falcon, gemma2, gemma3_text, gemma4_text, glm4, glm4_moe, gpt2, gpt_neox, gpt_oss, granite, lemma", true)]
    [InlineData("gpt2", "activation_function", "\"sine\"", "'sine' is not supported", true)]
    [InlineData("gpt2", "scale_attn_by_inverse_layer_idx", "true", "true is not supported", true)]
    [InlineData("llama", "logit_scale", "2", "the field \"logit_scale\" is not known", true)]
    [InlineData("llama", "rope_parameters", """{"rope_theta":1e4,"twist":2}""", "the field \"rope_parameters.twist\" is not known", true)]
    [InlineData("llama", "layer_types", """["sliding_attention"]""", "the field \"layer_types\" is not known", true)]
    [InlineData("gpt2", "scale_attn_weights", "false", "false is not supported", true)]
    [InlineData("gpt2", "n_head", "5", "5 heads do not divide d_model 32", true)]
    [InlineData("gpt2", "n_positions", "64", "has shape [128, 32], but the config asks for [64, 32]", true)]
    public void ConfigsThatCannotBeAreRefused(string family, string field, string value, string reason, bool headWidth)
    {
        using TemporaryFolder folder = new();
        string copy = Copy(folder, family);
        string path = Path.Combine(copy, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config[field] = JsonNode.Parse(value);
        if (!headWidth)
            config.Remove("head_dim");
        File.WriteAllText(path, config.ToJsonString());
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoder(copy));
        Assert.StartsWith(copy, e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FieldsThatAreAbsentHaveTheirUsualValues()
    {
        using TemporaryFolder folder = new();
        DecoderConfig llama = ModelFolder.ReadDecoderConfig(folder.Write("llama.json",
            """{"model_type":"llama","rope_theta":5e5,"eos_token_id":[7,8]}"""));
        Assert.Equal((32000, 4096, 32, 2048, 128, 1, 7), (llama.VocabularySize, llama.Width, llama.Layers, llama.MaximumLength,
            ((AttentionConfig)llama.Stack.Blocks[0].Mixer).HeadWidth, llama.BeginId, llama.EndId));
        Assert.Equal(new RotaryConfig(5e5), ((AttentionConfig)llama.Stack.Blocks[0].Mixer).Rotary);
        Assert.Equal(new RmsNormConfig(1e-6f), llama.Stack.Norm);
        Assert.False(llama.Head.Tied);
        DecoderConfig gpt2 = ModelFolder.ReadDecoderConfig(folder.Write("gpt2.json", """{"model_type":"gpt2"}"""));
        Assert.Equal(Presets.Find("gpt2-124m")! with { Dropout = 0.1f, BeginId = 50256, EndId = 50256 }, gpt2);
    }

    [Fact]
    public void BrokenOrAbsentFilesAreNamed()
    {
        using TemporaryFolder folder = new();
        Assert.Contains("there is no folder", Assert.Throws<DirectoryNotFoundException>(() => ModelFolder.ReadDecoder(folder["none"])).Message,
            StringComparison.Ordinal);
        Directory.CreateDirectory(folder["empty"]);
        Assert.Contains("has no config.json", Assert.Throws<FileNotFoundException>(() => ModelFolder.ReadDecoder(folder["empty"])).Message,
            StringComparison.Ordinal);
        Assert.Contains("the file must be JSON, but line 2", Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoderConfig(folder.Write("c.json",
            "{\n\"a\" 1}"))).Message, StringComparison.Ordinal);
        Assert.Contains("a JSON object is "
            + "needed", Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoderConfig(folder.Write("d.json", "[]"))).Message,
            StringComparison.Ordinal);
        string copy = Copy(folder, "llama");
        File.Delete(Path.Combine(copy, "model.safetensors"));
        Assert.Contains("has none of model.safetensors", Assert.Throws<FileNotFoundException>(() => ModelFolder.ReadDecoder(copy)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AModelCutAnywhereIsRefused()
    {
        using TemporaryFolder folder = new();
        string copy = Copy(folder, "llama"), file = Path.Combine(copy, "model.safetensors");
        byte[] whole = File.ReadAllBytes(file);
        for (int length = 0; length < whole.Length; length += 1 + length / 3)
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.StartsWith(file, Assert.Throws<InvalidDataException>(() => ModelFolder.ReadDecoder(copy)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RealFoldersAreRead()
    {
        foreach (string name in (string[])["tiny-gpt2-hf", "stories260K/derived-hf"])
        {
            using Decoder model = ModelFolder.ReadDecoder(SharedData.FindOrSkip($"data/weights/{name}"));
            (DecoderConfig config, Parameters parameters) = (model.Config, model.Parameters);
            Assert.True(config.Head.Tied);
            Assert.Contains(parameters.Weights(parameters["embedding.weight"]).ToArray(), value => value != 0);
        }
    }

    [Theory]
    [InlineData("gpt2-124m", 124_439_808)]
    [InlineData("llama-14m", 13_767_552)]
    [InlineData("llama-29m", 34_087_424)]
    [InlineData("char", 834_304)]
    public void PresetsHaveTheirNumberOfParameters(string name, long expected)
    {
        using Model model = Presets.Find(name)!.Declare();
        Assert.Equal(expected, model.Parameters.Count);
    }

    [Fact]
    public void EveryPresetIsWrittenAndReadBack()
    {
        Assert.Null(Presets.Find("none"));
        foreach (string name in Presets.Names.Where(name => name is not "gpt2-124m" and not "llama-29m"))
        {
            using TemporaryFolder folder = new();
            DecoderConfig config = Presets.Find(name, vocabularySize: 70)!;
            Assert.Equal(70, config.VocabularySize);
            using Decoder model = new(config);
            Parameters parameters = model.Parameters;
            foreach (Parameter parameter in parameters.All)
                parameters.Weights(parameter).Fill(parameter.Offset);
            ModelFolder.Write(folder["m"], model);
            using Decoder copy = ModelFolder.ReadDecoder(folder["m"]);
            Parameters read = copy.Parameters;
            Assert.Equal(config, copy.Config);
            foreach (Parameter parameter in parameters.All)
                Assert.True(parameters.Weights(parameter).SequenceEqual(read.Weights(read[parameter.Name])), parameter.Name);
        }
    }

    [Fact]
    public void AConfigThatNoOtherFamilyCanSayIsWrittenAsLemmas()
    {
        using TemporaryFolder folder = new();
        using Decoder model = new(Presets.Tiny(50).WithBlocks(block => block with { Before = new LayerNormConfig() }));
        ModelFolder.Write(folder["m"], model);
        Assert.Equal("lemma", (string?)JsonNode.Parse(File.ReadAllText(Path.Combine(folder["m"], "config.json")))!["model_type"]);
        Assert.Equal(model.Config, ModelFolder.ReadDecoderConfig(folder["m"]));
    }

    private static string Copy(TemporaryFolder folder, string family)
    {
        string copy = folder[family];
        Directory.CreateDirectory(copy);
        foreach (string name in (string[])["config.json", "model.safetensors"])
            File.WriteAllBytes(Path.Combine(copy, name), File.ReadAllBytes(Path.Combine(Golden(family), name)));
        return copy;
    }

    private static string Rewrite(TemporaryFolder folder, string family, Func<List<SafetensorsTensor>, List<SafetensorsTensor>> change)
    {
        string copy = Copy(folder, family), path = Path.Combine(copy, "model.safetensors");
        List<SafetensorsTensor> tensors = [];
        using (TensorFile file = TensorFile.Open(path))
        {
            foreach (TensorEntry entry in file.Tensors)
            {
                float[] values = new float[entry.Count];
                file.Read(entry, values);
                tensors.Add(new(entry.Name, [.. entry.Sizes.Select(size => (int)size)], () => values));
            }
        }
        SafetensorsWriter.Write(path, change(tensors));
        return copy;
    }
}
