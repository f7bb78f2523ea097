using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;
using static Lemma.Tests.Checkpoints.AdapterCases;

namespace Lemma.Tests.Checkpoints;

/// <summary>LoRA adapters in PEFT's form; Golden/adapters are made by bench/golden/make_adapters.py with logits in float64.</summary>
public sealed class AdapterTests : IDisposable
{
    private readonly Workers workers = new(2);

    public static TheoryData<string> Cases => ["gpt2", "llama", "gpt-neox", "mistral-window", "llama-embeddings", "mixtral", "qwen2-moe"];

    /// <summary>Adapters of an embedding that is the head as well, of the head, or of both.</summary>
    public static TheoryData<string> Tied => ["gemma2", "gpt2-embeddings", "gemma3-embeddings"];

    public void Dispose() => workers.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void AppliedAndMergedAdaptersGiveTheRecordedLogits(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model);
        JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden("adapters", name), "expected.json"))).RootElement;
        int[] ids = [.. expected.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        float[] wanted = [.. expected.GetProperty("logits").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(value => value.GetSingle()))];
        float[] before = Logits(workers, model, ids);
        Assert.True(Difference(wanted, before) > 0.01);

        adapter.Apply();
        Assert.True(adapter.IsApplied);
        float[] applied = Logits(workers, model, ids);
        Assert.True(Difference(wanted, applied) < 2e-5, $"applied: {Difference(wanted, applied):E2}");
        adapter.Unload();
        Assert.Equal(before, Logits(workers, model, ids));

        adapter.Merge();
        Assert.True(adapter is { IsMerged: true, IsApplied: false });
        float[] merged = Logits(workers, model, ids);
        Assert.True(Difference(applied, merged) < 1e-5, $"merged: {Difference(applied, merged):E2}");
        Assert.Throws<ArgumentException>(adapter.Merge);
        Assert.Throws<ArgumentException>(adapter.Apply);
        adapter.Unload();
        Assert.Equal(before, Logits(workers, model, ids));
    }

    [Theory, MemberData(nameof(Tied))]
    public void AnAdapterOfATiedMatrixChangesOneOfItsUses(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        Assert.True(model.Config.Head.Tied);
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model);
        JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden("adapters", name), "expected.json"))).RootElement;
        int[] ids = [.. expected.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        float[] wanted = [.. expected.GetProperty("logits").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(value => value.GetSingle()))];
        float[] before = Logits(workers, model, ids);
        adapter.Apply();
        float[] applied = Logits(workers, model, ids);
        Assert.True(Difference(wanted, applied) < 2e-5, $"applied: {Difference(wanted, applied):E2}");
        Assert.EndsWith("cannot be merged: embedding and head are one matrix, and both would change", Assert.Throws<ArgumentException>(adapter.Merge).Message,
            StringComparison.Ordinal);
        Assert.True(adapter is { IsMerged: false, IsApplied: true });
        adapter.Unload();
        Assert.Equal(before, Logits(workers, model, ids));
        AdapterConfig config = new() { Rank = 2, Alpha = 2, Targets = ["lm_head"] };
        using Adapter fresh = AdapterFolder.Create(model, config, seed: 1);
        Assert.Equal(["lm_head.lora_A.weight", "lm_head.lora_B.weight"], fresh.Parameters.All.Select(parameter => parameter.Name));
        string embedding = name == "gpt2-embeddings" ? "wte" : "embed_tokens";
        using Adapter other = AdapterFolder.Create(model, config with { Targets = [embedding] }, seed: 1);
        Assert.Equal([$"{embedding}.lora_embedding_A", $"{embedding}.lora_embedding_B"],
            other.Parameters.All.Select(parameter => parameter.Name[(parameter.Name.IndexOf('.') + 1)..]));
    }

    [Fact]
    public void AllLinearLayersAreNeitherEmbeddingsNorTheHead()
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "mixtral"));
        AdapterConfig config = new() { Rank = 1, Alpha = 2, Targets = ["all-linear"] };
        using Adapter adapter = AdapterFolder.Create(model, config, seed: 1);
        // Four projections, a router and three matrices of four experts.
        Assert.Equal(2 * model.Config.Layers * (4 + 1 + 3 * 4), adapter.Parameters.All.Count);
        AdapterFolder.Write(folder["copy"], model, adapter, config);
        Assert.Contains("\"target_modules\": \"all-linear\"", File.ReadAllText(Path.Combine(folder["copy"], "adapter_config.json")), StringComparison.Ordinal);
        AdapterConfig again = AdapterFolder.ReadConfig(folder["copy"]);
        Assert.Equal(["all-linear"], again.Targets);
        Assert.True(again.Chooses("model.layers.0.self_attn.q_proj") && !again.Chooses("lm_head"));
        using Adapter copy = AdapterFolder.Read(folder["copy"], model);
        // The order too: a run that goes on draws and sums in it.
        Assert.Equal(adapter.Parameters.All.Select(parameter => parameter.Name), copy.Parameters.All.Select(parameter => parameter.Name));
    }

    [Theory, MemberData(nameof(Cases)), MemberData(nameof(Tied))]
    public void AnAdapterOfAPackedModelHasTheBitsOfItsRows(string name)
    {
        int[] ids = [3, 17, 4, 60, 91, 5, 5, 33];
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model);
        adapter.Apply();
        float[] rows = Logits(workers, model, ids);
        using Decoder packed = ModelFolder.ReadDecoder(Checkpoint(name));
        packed.Parameters.Pack(workers);
        // Copies of tied matrices are compared where these lie.
        using Adapter other = AdapterFolder.Read(Golden("adapters", name), packed);
        other.Apply();
        Assert.Equal(rows, Logits(workers, packed, ids));
        // A row alone has its bits.
        using Tape tape = new(workers, packed.Parameters) { Recording = false };
        using SequenceState state = packed.NewState();
        float[] last = [];
        foreach (int id in ids)
            last = tape[packed.NextLogits(tape, Rows.One(new[] { id }, state))].ToArray();
        Assert.Equal(rows[^packed.VocabularySize..], last);
    }

    [Fact]
    public void TheMatrixOfAHeadBesideItsAdapterMustBeTheModels()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "gemma2"));
        Parameter embedding = model.Parameters["embedding.weight"];
        model.Parameters.Weights(embedding)[^1] += 1;
        Assert.EndsWith("the tensor 'base_model.model.lm_head.base_layer.weight' is not the model's matrix, and matrices that take the place of others are "
            + "not supported", Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(Golden("adapters", "gemma2"), model)).Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Cases)), MemberData(nameof(Tied))]
    public void AnAdapterIsWrittenAndReadBackByteForByte(string name)
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        AdapterConfig config = AdapterFolder.ReadConfig(Golden("adapters", name));
        using (Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model))
            AdapterFolder.Write(folder["copy"], model, adapter, config);
        using TensorFile original = TensorFile.Open(Path.Combine(Golden("adapters", name), "adapter_model.safetensors"));
        using TensorFile written = TensorFile.Open(Path.Combine(folder["copy"], "adapter_model.safetensors"));
        TensorEntry[] changes = [.. original.Tensors.Where(entry => !entry.Name.EndsWith(".base_layer.weight", StringComparison.Ordinal))];
        Assert.Equal(changes.Select(entry => entry.Name).Order(), written.Tensors.Select(entry => entry.Name).Order());
        foreach (TensorEntry entry in changes)
        {
            float[] one = new float[entry.Count], other = new float[entry.Count];
            original.Read(entry, one);
            TensorEntry twin = written.Find(entry.Name)!;
            Assert.Equal((entry.Type, entry.ShapeText), (twin.Type, twin.ShapeText));
            written.Read(twin, other);
            Assert.Equal(one, other);
        }
        JsonElement json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder["copy"], "adapter_config.json"))).RootElement;
        Assert.Equal(name.StartsWith("gpt2", StringComparison.Ordinal), json.GetProperty("fan_in_fan_out").GetBoolean());
        AdapterConfig again = AdapterFolder.ReadConfig(folder["copy"]);
        Assert.Equal((config.Rank, config.Alpha, config.DividesByRoot), (again.Rank, again.Alpha, again.DividesByRoot));
        Assert.Equal(config.Targets, again.Targets);
        Assert.Equal(config.Ranks, again.Ranks);
        Assert.Equal(config.Alphas, again.Alphas);
    }

    [Fact]
    public void AFreshAdapterChangesNothingAndLearnsAlone()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        int[] ids = [3, 17, 4, 60, 91, 5, 5, 33], targets = [17, 4, 60, 91, 5, 5, 33, 2];
        float[] before = Logits(workers, model, ids);
        float[][] weights = [.. model.Parameters.All.Select(parameter => model.Parameters.Weights(parameter).ToArray())];
        using Adapter adapter = AdapterFolder.Create(model, new AdapterConfig { Rank = 4, Alpha = 8, Targets = ["q_proj", "v_proj", "down_proj"] }, seed: 1);
        Assert.Equal(2 * 2 * 3, adapter.Parameters.All.Count);
        adapter.Apply();
        Assert.Equal(before, Logits(workers, model, ids));
        List<float> losses = Learn(workers, model, adapter, ids, targets, steps: 30);
        Assert.True(losses[^1] < 0.3 * losses[0], $"{losses[0]} to {losses[^1]}");
        Assert.False(model.Parameters.HasTrainingState);
        Assert.All(model.Parameters.All.Zip(weights), pair => Assert.True(model.Parameters.Weights(pair.First).SequenceEqual(pair.Second), pair.First.Name));
        float[] applied = Logits(workers, model, ids);
        adapter.Merge();
        Assert.True(Difference(applied, Logits(workers, model, ids)) < 1e-4);
    }

    [Fact]
    public void AFrozenModelComputesNoGradientsOfItsMatrices()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", "llama"), model);
        adapter.Apply();
        adapter.Parameters.AllocateTrainingState();
        model.Parameters.AllocateTrainingState();
        float[][] all = Gradients(out _);
        model.Parameters.IsFrozen = true;
        float[][] own = Gradients(out long lent);
        Assert.Equal(all, own);
        // With two rows every gradient of an activation is small: one of gate and up alone would be more than all that was ever lent.
        long matrix = model.Parameters["blocks.0.feed_forward.gate_up.weight"].Count;
        Assert.True(lent < matrix, $"{lent} elements were lent, and a matrix has {matrix}");

        float[][] Gradients(out long lent)
        {
            using Tape tape = new(workers, model.Parameters);
            tape.Backward(model.Loss(tape, Rows.One(new[] { 3, 17 }), new[] { 17, 4 }));
            tape.Rewind();
            lent = tape.PooledElements;
            float[][] gradients = [.. adapter.Parameters.All.Select(parameter => adapter.Parameters.Gradients(parameter).ToArray())];
            adapter.Parameters.ForgetGradients();
            return gradients;
        }
    }

    [Theory, InlineData(1), InlineData(3)]
    public void DropoutThinsWhatAReadsInTrainingAlone(int threads)
    {
        const int Count = 50, Inputs = 40, Outputs = 12;
        using Parameters parameters = new();
        Linear linear = new(new Scope(parameters, Inputs, 1, 1).In("linear"), Outputs, Inputs, bias: false, FirstValue.Normal(0.1));
        parameters.Allocate();
        using Adapter adapter = new(parameters) { Dropout = 0.4f };
        AdapterPart[] parts = [adapter.Add("first", linear.Weight, 0, 5, 3, 2), adapter.Add("second", linear.Weight, 5, 7, 2, 0.5f)];
        adapter.Parameters.Allocate();
        FirstValue.Draw(parameters, 1);
        FirstValue.Draw(adapter.Parameters, 2);
        adapter.Apply();
        foreach ((AdapterPart part, int i) in parts.Select((part, i) => (part, i)))
        {
            Span<float> b = adapter.Parameters.Weights(part.B);
            for (int j = 0; j < b.Length; j++)
                b[j] = (j + i) % 5 - 2;
        }
        using Workers own = new(threads);
        using Tape tape = new(own, parameters);
        Philox random = new(9), other = new(10);
        Tensor x = tape.Input(new Shape(Count, Inputs), [.. Enumerable.Range(0, Count * Inputs).Select(i => (float)random.Normal((ulong)i))]);
        float[] given = tape[linear.Apply(tape, x, other)].ToArray();
        Tensor plain = tape.Linear(x, tape.Parameter(linear.Weight)), read = tape.Dropout(x, 0.4f, other.Split(1UL << 32)),
            readAgain = tape.Dropout(x, 0.4f, other.Split((1UL << 32) + 1));
        tape.AddToColumnsInPlace(plain, 0, Change(read, parts[0]));
        tape.AddToColumnsInPlace(plain, 5, Change(readAgain, parts[1]));
        Assert.Equal(tape[plain].ToArray(), given);
        float[] whole = tape[linear.Apply(tape, x)].ToArray();
        Assert.NotEqual(whole, given);
        tape.Recording = false;
        Assert.Equal(whole, tape[linear.Apply(tape, x, other)].ToArray());

        Tensor Change(Tensor x, AdapterPart part) => tape.Linear(tape.Scale(tape.Linear(x, tape.ParameterOf(adapter.Parameters, part.A)), part.Scale),
            tape.ParameterOf(adapter.Parameters, part.B));
    }

    [Fact]
    public void TheDropoutOfAnAdapterIsReadWrittenAndUsedWithAGenerator()
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        string text = File.ReadAllText(Path.Combine(Golden("adapters", "llama"), "adapter_config.json"));
        folder.Write("adapter_config.json", text.Replace("\"lora_dropout\": 0.0", "\"lora_dropout\": 0.25", StringComparison.Ordinal));
        File.Copy(Path.Combine(Golden("adapters", "llama"), "adapter_model.safetensors"), folder["adapter_model.safetensors"]);
        AdapterConfig config = AdapterFolder.ReadConfig(folder[""]);
        using Adapter adapter = AdapterFolder.Read(folder[""], model);
        Assert.Equal((0.25f, 0.25f), (config.Dropout, adapter.Dropout));
        AdapterFolder.Write(folder["copy"], model, adapter, config);
        Assert.Equal(0.25f, AdapterFolder.ReadConfig(folder["copy"]).Dropout);
        adapter.Apply();
        float still = Loss(null), dropped = Loss(new Philox(1));
        Assert.NotEqual(still, dropped);
        Assert.Equal(dropped, Loss(new Philox(1)));
        Assert.NotEqual(dropped, Loss(new Philox(2)));

        float Loss(Philox? random)
        {
            using Tape tape = new(workers, model.Parameters);
            return (float)model.Loss(tape, Rows.One(new[] { 3, 17, 4 }), new[] { 17, 4, 60 }, random).Mean(tape);
        }
    }

    [Theory, InlineData("llama"), InlineData("mixtral"), InlineData("llama-embeddings")]
    public void GenerationUsesAnAppliedAdapterWithAndWithoutACache(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model);
        IReadOnlyList<int> plain = Made();
        adapter.Apply();
        IReadOnlyList<int> made = Made();
        Assert.NotEqual(plain, made);
        List<int> all = [3, 17];
        for (int i = 0; i < 12; i++)
        {
            float[] last = Logits(workers, model, [.. all])[^model.VocabularySize..];
            all.Add(Array.IndexOf(last, last.Max()));
        }
        Assert.Equal(all.Skip(2), made);

        IReadOnlyList<int> Made()
        {
            using Generator generator = new(model, workers);
            return generator.Generate(new[] { 3, 17 }, GenerationOptions.Greedy with { MaximumTokens = 12, StopIds = [] });
        }
    }

    [Fact]
    public void ATrainedAdapterOfPeftIsReadAndApplied()
    {
        string folder = SharedData.FindOrSkip("data/weights/lora-adapter-gpt2");
        DecoderConfig config = Presets.Gpt2(50, width: 768, layers: 12, heads: 12, length: 16);
        using Decoder model = new(config);
        model.Initialize(1);
        using Adapter adapter = AdapterFolder.Read(folder, model);
        Assert.Equal(24, adapter.Parameters.All.Count);
        Assert.Equal(12 * (16 * 768 + 2304 * 16), adapter.Parameters.Count);
        int[] ids = [1, 2, 3, 40];
        float[] before = Logits(workers, model, ids);
        adapter.Apply();
        float[] applied = Logits(workers, model, ids);
        Assert.True(Difference(before, applied) > 1e-3);
        adapter.Merge();
        Assert.True(Difference(applied, Logits(workers, model, ids)) < 1e-5);
        adapter.Unload();
        Assert.Equal(before, Logits(workers, model, ids));
        using Decoder narrow = ModelFolder.ReadDecoder(Golden("checkpoints", "gpt2"));
        string message = Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(folder, narrow)).Message;
        Assert.Contains("'base_model.model.transformer.h.0.attn.c_attn.lora_A.weight' has shape [16, 768], but the model and the config ask for [16, 32]", message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", "'IA3' is not supported")]
    [InlineData("\"use_dora\": false", "\"use_dora\": true", "has no partner with .lora_magnitude_vector")]
    [InlineData("\"bias\": \"none\"", "\"bias\": \"all\"", "\"bias\": 'all' is not supported")]
    [InlineData("\"modules_to_save\": null", "\"modules_to_save\": [\"lm_head\"]", "the field \"modules_to_save\" is not known")]
    [InlineData("\"modules_to_save\": null", "\"target_parameters\": [\"experts.down_proj\"]", "'experts.down_proj' is not supported: it changes a stack")]
    [InlineData("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "\"pissa\" is not supported")]
    [InlineData("\"r\": 3", "\"r\": 4", "lora_A.weight' has shape [3, 32], but the model and the config ask for [4, 32]")]
    [InlineData("\"lora_dropout\": 0.0", "\"lora_dropout\": 1.0", "\"lora_dropout\" must lie in [0, 1), but it is 1")]
    [InlineData("\"lora_alpha\": 5", "\"lora_alpha\": 1e300", "must be finite numbers of single precision, but one is 1E+300")]
    [InlineData("\"r\": 3", "\"r\": 0", "\"r\" must be a whole number from 1 to 65536, but it is 0")]
    [InlineData("\"lora_alpha\": 5", "\"lora_alpha\": 1e999", "\"lora_alpha\" must be a finite number")]
    [InlineData("\"q_proj\"", "\"o_proj\"", "'model.layers.0.self_attn.q_proj' has an adapter, but it is not among the target modules")]
    [InlineData("\"v_proj\": 2", "\"(v_proj\": 2", "the pattern of names '(v_proj' cannot be read")]
    [InlineData("\"v_proj\": 2", "\"(?=v_proj)\": 2", "the pattern of names '(?=v_proj)' cannot be read")]
    public void ConfigsThatChangeTheArithmeticAreRefused(string from, string to, string reason)
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        string text = File.ReadAllText(Path.Combine(Golden("adapters", "llama"), "adapter_config.json"));
        Assert.Contains(from, text, StringComparison.Ordinal);
        folder.Write("adapter_config.json", text.Replace(from, to, StringComparison.Ordinal));
        File.Copy(Path.Combine(Golden("adapters", "llama"), "adapter_model.safetensors"), folder["adapter_model.safetensors"]);
        string message = Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(folder[""], model)).Message;
        Assert.StartsWith(folder[""], message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void TensorsThatAreNoPairsOfTheModelAreRefused()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        Refused("is neither base_model.model.….lora_A.weight nor", new SafetensorsTensor("base_model.model.x.lora_magnitude", [1], () => new float[1]));
        Refused("has no partner with .lora_embedding_B", new SafetensorsTensor("base_model.model.x.lora_embedding_A", [1], () => new float[1]));
        Refused("has no partner", Matrix("layers.0.self_attn.q_proj.lora_A", 3, 32));
        Refused("the model has no matrix 'model.layers.9.self_attn.q_proj'", Matrix("layers.9.self_attn.q_proj.lora_A", 3, 32),
            Matrix("layers.9.self_attn.q_proj.lora_B", 32, 3));
        Refused("1 tensors, of which 0 are pairs", Matrix("layers.0.self_attn.q_proj.lora_B", 32, 3));
        Refused("0 tensors, of which 0 are pairs");
        Assert.Throws<DirectoryNotFoundException>(() => AdapterFolder.ReadConfig("/none"));
        using TemporaryFolder bare = new();
        File.Copy(Path.Combine(Golden("adapters", "llama"), "adapter_config.json"), bare["adapter_config.json"]);
        Assert.Contains("has neither adapter_model.safetensors nor adapter_model.bin",
            Assert.Throws<FileNotFoundException>(() => AdapterFolder.Read(bare[""], model)).Message, StringComparison.Ordinal);

        static SafetensorsTensor Matrix(string name, int rows, int columns) =>
            new($"base_model.model.model.{name}.weight", [rows, columns], () => new float[rows * columns]);

        void Refused(string reason, params SafetensorsTensor[] tensors)
        {
            using TemporaryFolder folder = new();
            File.Copy(Path.Combine(Golden("adapters", "llama"), "adapter_config.json"), folder["adapter_config.json"]);
            SafetensorsWriter.Write(folder["adapter_model.safetensors"], tensors);
            Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(folder[""], model)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("embed_tokens", ".lora_A.weight", ".lora_B.weight", "must end with .lora_embedding_A, since the module is an embedding")]
    [InlineData("layers.0.self_attn.o_proj", ".lora_embedding_A", ".lora_embedding_B", "must end with .lora_A.weight, since the module is not an embedding")]
    [InlineData("embed_tokens", ".lora_embedding_A", ".lora_embedding_B", "lora_embedding_A' has shape [4, 32], but the model and the config ask for [4, 96]")]
    public void PairsOfTheOtherKindAreRefused(string module, string endA, string endB, string reason)
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        File.Copy(Path.Combine(Golden("adapters", "llama-embeddings"), "adapter_config.json"), folder["adapter_config.json"]);
        SafetensorsWriter.Write(folder["adapter_model.safetensors"], [.. ((string[])[endA, endB]).Select(end =>
            new SafetensorsTensor($"base_model.model.model.{module}{end}", [4, 32], () => new float[4 * 32]))]);
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(folder[""], model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStackOfMatricesTakesNoAdapter()
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "mixtral"));
        // In Lemma's own files all experts of a layer are one tensor.
        model.Origin = "lemma";
        folder.Write("adapter_config.json", """{"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["down"]}""");
        const string Module = "blocks.0.feed_forward.experts.down";
        SafetensorsWriter.Write(folder["adapter_model.safetensors"], [.. ((string[])["A", "B"]).Select(letter =>
            new SafetensorsTensor($"base_model.model.{Module}.lora_{letter}.weight", [1, 1], () => new float[1]))]);
        Assert.EndsWith($"'{Module}' is a stack of matrices, and adapters are of single ones",
            Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(folder[""], model)).Message, StringComparison.Ordinal);
    }
}
