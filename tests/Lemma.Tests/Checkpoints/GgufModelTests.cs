using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

/// <summary>The reference checkpoints as llama.cpp's converter writes them in halves (bench/golden/gguf_models.py), beside their Hugging Face folders.</summary>
/// <remarks><c>LEMMA_GGUF=FOLDER</c> runs a folder of that script more, of float32 files: tokens and log-probabilities of llama-server.</remarks>
public class GgufModelTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Golden", "gguf", "models"), More =
        Environment.GetEnvironmentVariable("LEMMA_GGUF") ?? "";

    public static TheoryData<string> Names => [.. Directory.EnumerateFiles(Folder, "*.gguf").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    public static TheoryData<string> MoreNames => More.Length == 0 ? ["none"]
        : [.. Directory.EnumerateFiles(More, "*.gguf").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public void ConfigAndWeightsAreThoseOfTheHuggingFaceFolder(string name) => BothAreEqual(Folder, name, halves: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void WhatIsWrittenGreedilyIsWhatLlamaCppWrites(string name) => TokensAreEqual(Folder, name, 2e-2, count: 12);

    [Theory]
    [InlineData("bert")]
    [InlineData("distilbert-mlm")]
    [InlineData("modernbert-mlm")]
    [InlineData("roberta-mlm")]
    public void RowsOfEncodersAreThoseOfLlamaCpp(string name) => RowsAreEqual(Folder, name);

    [Fact]
    public void BlocksThatPredictFurtherTokensAreLeftOut()
    {
        using TemporaryFolder temporary = new();
        string golden = Path.Combine(Folder, "qwen3-5.gguf"), path = temporary["x.gguf"];
        using TensorFile file = TensorFile.Open(golden);
        Dictionary<string, object> values = new(file.Metadata);
        List<GgufTensor> tensors = [.. Tensors(file), new("blk.2.attn_norm.weight", [32], () => new float[32], "F32"),
            new("blk.2.nextn.eh_proj.weight", [32, 64], () => new float[32 * 64], "F32")];
        (values["qwen35.block_count"], values["qwen35.attention.recurrent_layers"]) = (3u, new[] { true, false, false });
        GgufWriter.Write(path, values, tensors);
        Assert.Contains("missing blk.2.", Assert.Throws<InvalidDataException>(() => ModelFolder.Read(path)).Message, StringComparison.Ordinal);
        values["qwen35.nextn_predict_layers"] = 1u;
        GgufWriter.Write(path, values, tensors);
        using Model without = ModelFolder.Read(golden), with = ModelFolder.Read(path);
        Assert.Equal(without.AnyConfig, with.AnyConfig);
        Assert.Equal(without.Parameters.All.SelectMany(one => without.Parameters.Weights(one).ToArray()),
            with.Parameters.All.SelectMany(one => with.Parameters.Weights(one).ToArray()));
        values["qwen35.nextn_predict_layers"] = 3u;
        GgufWriter.Write(path, values, tensors);
        Assert.Contains("nextn_predict_layers must be less than the 3 blocks, but is 3", Assert.Throws<InvalidDataException>(() => ModelFolder.Read(path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void RatesOfDecayMustBeNegative()
    {
        using TemporaryFolder temporary = new();
        using TensorFile file = TensorFile.Open(Path.Combine(Folder, "qwen3-next.gguf"));
        GgufWriter.Write(temporary["x.gguf"], new Dictionary<string, object>(file.Metadata),
            [.. Tensors(file).Select(one => one.Name == "blk.0.ssm_a" ? one with { Source = () => new[] { -1f, -2f, 0f, -1f } } : one)]);
        Assert.Contains("the numbers of the tensor 'blk.0.ssm_a' must be negative, but one is 0",
            Assert.Throws<InvalidDataException>(() => ModelFolder.Read(temporary["x.gguf"])).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<GgufTensor> Tensors(TensorFile file) => file.Tensors.Select(entry =>
    {
        float[] numbers = new float[entry.Count];
        file.Read(entry, numbers);
        return new GgufTensor(entry.Name, [.. entry.Sizes.Select(size => (int)size)], () => numbers, "F32");
    });

    [Theory]
    [MemberData(nameof(MoreNames))]
    public void OtherFilesToo(string name)
    {
        if (name == "none")
            return;
        if (!name.EndsWith("-window", StringComparison.Ordinal))
            BothAreEqual(More, name, halves: false);
        TokensAreEqual(More, name, 2e-3, count: 24);
        RowsAreEqual(More, name);
    }

    private static void BothAreEqual(string folder, string name, bool halves)
    {
        using TemporaryFolder temporary = new();
        JsonElement config = Expected(folder).GetProperty("models").GetProperty(name).GetProperty("config");
        temporary.Write("config.json", System.Text.Encoding.UTF8.GetBytes(config.GetRawText()));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", name, "model.safetensors"), temporary["model.safetensors"]);
        using Model theirs = ModelFolder.Read(temporary[""]), ours = ModelFolder.Read(Path.Combine(folder, name + ".gguf"));
        // The converter leaves out heads of an encoder.
        if (ours is not Encoder && name is not ("llama3-rope" or "t5-gated"))
            Assert.Null(ConfigComparison.Difference(theirs.AnyConfig, ours.AnyConfig));
        foreach (Parameter parameter in ours.Parameters.All)
        {
            float[] expected = theirs.Parameters.Weights(theirs.Parameters[parameter.Name]).ToArray(), given = ours.Parameters.Weights(parameter).ToArray();
            // One more in the file, of norms, rounds differently.
            bool isShifted = (name is "gemma2" or "gemma3" or "qwen3-next" or "qwen3-5" && parameter.Name.EndsWith("norm.weight", StringComparison.Ordinal))
                || parameter.Name.EndsWith("decay_rate", StringComparison.Ordinal);
            // RoBERTa's rows of positions before the first one are not in the file.
            expected = expected[^given.Length..];
            for (int i = 0; i < expected.Length; i++)
            {
                if (isShifted)
                    Assert.Equal(expected[i], given[i], 1e-6f);
                else
                    Assert.True(given[i] == expected[i] || (halves && given[i] == (float)(Half)expected[i]), $"{parameter.Name}[{i}] is {given[i]}, not {expected[i]}");
            }
        }
    }

    private static void TokensAreEqual(string folder, string name, double tolerance, int count)
    {
        JsonElement expected = Expected(folder), model = expected.GetProperty("models").GetProperty(name);
        if (!model.TryGetProperty("tokens", out JsonElement tokens))
            return;
        int[] prompt = [.. expected.GetProperty("prompt").EnumerateArray().Select(id => id.GetInt32())];
        using Decoder decoder = ModelFolder.ReadDecoder(Path.Combine(folder, name + ".gguf"));
        using Workers workers = new(1);
        using Tape tape = new(workers, decoder.Parameters) { Recording = false };
        float[] logits = tape[decoder.NextLogits(tape, Rows.One(prompt))].ToArray();
        double largest = logits.Max(), sum = Math.Log(logits.Sum(logit => Math.Exp(logit - largest))) + largest;
        foreach (JsonProperty one in model.GetProperty("first").EnumerateObject())
        {
            double found = logits[int.Parse(one.Name)] - sum;
            Assert.True(Math.Abs(found - one.Value.GetDouble()) <= tolerance, $"id {one.Name}: {found}, but llama.cpp has {one.Value}");
        }
        // The server was told to go on after the end; its products of halves round rows to halves as well, which shows after some ids.
        GenerationOptions greedy = GenerationOptions.Sample(temperature: 0, logitBias: [new(2, -1000)]) with { MaximumTokens = tokens.GetArrayLength(), StopIds = [] };
        using Generator generator = new(decoder, workers);
        Assert.Equal(tokens.EnumerateArray().Select(id => id.GetInt32()).Take(count), generator.Generate(prompt, greedy).Take(count));
    }

    // llama.cpp's GELU is the one by tanh, from a table of halves.
    private static void RowsAreEqual(string folder, string name)
    {
        JsonElement expected = Expected(folder);
        if (!expected.GetProperty("models").GetProperty(name).TryGetProperty("rows", out JsonElement recorded))
            return;
        int[] prompt = [.. expected.GetProperty("prompt").EnumerateArray().Select(id => id.GetInt32())];
        using Encoder encoder = (Encoder)ModelFolder.Read(Path.Combine(folder, name + ".gguf"));
        using Workers workers = new(1);
        using Tape tape = new(workers, encoder.Parameters) { Recording = false };
        float[] rows = tape[encoder.Hidden(tape, Rows.One(prompt))].ToArray();
        float[] theirs = [.. recorded.EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(number => number.GetSingle())];
        Assert.Equal(theirs.Length, rows.Length);
        double distance = Math.Sqrt(rows.Zip(theirs, (one, other) => Math.Pow(one - other, 2)).Sum() / theirs.Sum(number => (double)number * number));
        Assert.True(distance < 3e-3, $"{name}: the rows are {distance} apart");
    }

    private static JsonElement Expected(string folder) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json"))).RootElement;
}
