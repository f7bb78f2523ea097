using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
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
    [MemberData(nameof(MoreNames))]
    public void OtherFilesToo(string name)
    {
        if (name == "none")
            return;
        if (!name.EndsWith("-window", StringComparison.Ordinal))
            BothAreEqual(More, name, halves: false);
        TokensAreEqual(More, name, 2e-3, count: 24);
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
            bool isShifted = name.StartsWith("gemma", StringComparison.Ordinal) && parameter.Name.EndsWith("norm.weight", StringComparison.Ordinal);
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

    private static JsonElement Expected(string folder) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json"))).RootElement;
}
