using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Models;

namespace Lemma.Tests.Checkpoints;

/// <summary>Models that are broken: one sentence that names the file and the reason, within a second and little memory.</summary>
public class BadModelTests
{
    private const int MostBytes = 100_000_000;

    // Before the name of a mixer: Lemma's own files of a decoder that has it.
    private const string OwnFiles = "lemma, ";

    private static readonly string[] Values =
    [
        "null", "true", "false", "-1", "0", "1", "2", "3", "5", "7", "33", "64", "127", "4096", "16777216", "16777217", "2147483647", "4294967296", "1e300", "1e999",
        "-0.5", "0.3", "1e-30", "\"\"", "\"x\"", "\"relu\"", "\"full\"", "[]", "{}", "[1]", "[0.5, 1e999]", "[\"full_attention\"]", "[\"sliding_attention\", \"x\"]",
        "{\"a\": 1}", "{\"rope_type\": \"yarn\", \"factor\": 0}", "{\"rope_type\": \"longrope\", \"short_factor\": [1], \"long_factor\": []}",
        "{\"type\": \"dynamic\", \"factor\": 1e300}", "\"HALF\"",
    ];

    public static TheoryData<string> Families => [.. Directory.EnumerateDirectories(Golden("")).Select(folder => Path.GetFileName(folder)!)
        .Order(StringComparer.Ordinal), .. MixerTests.Mixers.Keys.Select(mixer => OwnFiles + mixer)];

    [Theory, MemberData(nameof(Families))]
    public void AConfigWithOtherValuesIsAModelOrRefused(string family)
    {
        int trials = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "200", CultureInfo.InvariantCulture);
        using TemporaryFolder folder = new();
        string valid = Golden(family);
        if (family.StartsWith(OwnFiles, StringComparison.Ordinal))
        {
            using Decoder model = MixerTests.Model(family[OwnFiles.Length..]);
            ModelFolder.Write(valid = folder["valid"], model);
        }
        File.Copy(Path.Combine(valid, "model.safetensors"), folder["model.safetensors"]);
        string text = File.ReadAllText(Path.Combine(valid, "config.json"));
        Random random = new(family.Length);
        int read = 0, refused = 0;
        for (int trial = 0; trial < trials; trial++)
        {
            JsonObject config = JsonNode.Parse(text)!.AsObject();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                JsonObject place = config;
                List<JsonObject> inside = [.. Inside(config).Where(inner => inner.Count > 0)];
                if (inside.Count > 0 && random.Next(3) == 0)
                    place = inside[random.Next(inside.Count)];
                string field = place.Select(pair => pair.Key).ElementAt(random.Next(place.Count));
                if (random.Next(8) == 0 && place.Count > 1)
                    place.Remove(field);
                else
                    place[field] = JsonNode.Parse(Values[random.Next(Values.Length)]);
            }
            // Half of a surrogate pair is valid JSON, but no text.
            folder.Write("config.json", config.ToJsonString().Replace("HALF", "\\ud800", StringComparison.Ordinal));
            long before = GC.GetAllocatedBytesForCurrentThread();
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                ModelFolder.Read(folder[""]).Dispose();
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith(folder[""], error.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"{error.GetType().Name}: {error.Message}\n{config.ToJsonString()}\n{error.StackTrace}");
            }
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed} for {config.ToJsonString()}");
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MostBytes, $"too much memory for {config.ToJsonString()}");
        }
        Assert.True(read > 3 && refused > 10, $"{read} read, {refused} refused");
    }

    private static IEnumerable<JsonObject> Inside(JsonNode? node) => node switch
    {
        JsonObject fields => fields.SelectMany(pair => pair.Value is JsonObject inner ? Inside(inner).Prepend(inner) : Inside(pair.Value)),
        JsonArray items => items.SelectMany(item => item is JsonObject inner ? Inside(inner).Prepend(inner) : Inside(item)),
        _ => [],
    };

    [Fact]
    public void AConfigOfMillionsOfExpertsTakesNoMemory()
    {
        using TemporaryFolder folder = new();
        File.Copy(Path.Combine(Golden("qwen3-moe"), "model.safetensors"), folder["model.safetensors"]);
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(Golden("qwen3-moe"), "config.json")))!.AsObject();
        (config["num_experts"], config["moe_intermediate_size"]) = (16777216, 1);
        folder.Write("config.json", config.ToJsonString());
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder[""])).Message;
        Assert.StartsWith(folder[""], message, StringComparison.Ordinal);
        Assert.Contains("the config asks for far more tensors than the", message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000_000);
    }

    [Theory]
    [InlineData("\"model_type\": \"llama\"", "\"model_kind\": \"llama\"", "\"model_type\" is missing")]
    [InlineData("\"model_type\": \"llama\"", "\"model_type\": 7", "\"model_type\" must be a text, but it is 7")]
    [InlineData("\"vocab_size\": 96", "\"vocab_size\": 96, \"vocab_size\": 96", "the key 'vocab_size' occurs twice in one object")]
    [InlineData("\"rms_norm_eps\": ", "\"rms_norm_eps\": NaN, \"x\": ", "\"rms_norm_eps\" must be a finite number")]
    [InlineData("\"rms_norm_eps\": ", "\"rms_norm_eps\": -Infinity, \"x\": ", "\"rms_norm_eps\" must be a finite number")]
    [InlineData("\"rms_norm_eps\": ", "\"rms_norm_eps\": 1e999, \"x\": ", "\"rms_norm_eps\" must be a finite number, but it is 1e999")]
    [InlineData("\"rope_theta\": ", "\"rope_theta\": \"NaN\", \"x\": ", "\"rope_parameters.rope_theta\" must be a finite number, but it is \"NaN\"")]
    public void ConfigsThatAreNoneAreRefused(string from, string to, string reason)
    {
        using TemporaryFolder folder = new();
        string text = File.ReadAllText(Path.Combine(Golden("llama"), "config.json"));
        Assert.Contains(from, text, StringComparison.Ordinal);
        string path = folder.Write("config.json", text.Replace(from, to, StringComparison.Ordinal));
        File.Copy(Path.Combine(Golden("llama"), "model.safetensors"), folder["model.safetensors"]);
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder[""])).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model.norm.weight":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}""", "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "inside the one before it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "'a'")]
    public void FilesOfWeightsThatCannotBeAreRefused(string header, string reason)
    {
        using TemporaryFolder folder = new();
        File.Copy(Path.Combine(Golden("llama"), "config.json"), folder["config.json"]);
        byte[] text = System.Text.Encoding.UTF8.GetBytes(header);
        string path = folder.Write("model.safetensors", [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[16]]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder[""])).Message;
        Assert.StartsWith(folder[""], message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 2_000_000);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void ATensorOfIntegersIsRefusedByName()
    {
        using TemporaryFolder folder = new();
        File.Copy(Path.Combine(Golden("llama"), "config.json"), folder["config.json"]);
        byte[] file = File.ReadAllBytes(Path.Combine(Golden("llama"), "model.safetensors"));
        int place = file.AsSpan().IndexOf("\"F32\""u8);
        "\"I32\""u8.CopyTo(file.AsSpan(place));
        folder.Write("model.safetensors", file);
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder[""])).Message;
        Assert.StartsWith(folder["model.safetensors"], message, StringComparison.Ordinal);
        Assert.Contains("I32", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AShardThatIsMissingIsNamed()
    {
        using TemporaryFolder folder = new();
        File.Copy(Path.Combine(Golden("llama"), "config.json"), folder["config.json"]);
        folder.Write("model.safetensors.index.json", """{"weight_map": {"model.norm.weight": "model-00002-of-00002.safetensors"}}""");
        IOException error = Assert.ThrowsAny<IOException>(() =>
        {
            try
            {
                ModelFolder.Read(folder[""]);
            }
            catch (InvalidDataException e)
            {
                throw new IOException(e.Message);
            }
        });
        Assert.Contains("model-00002-of-00002.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APickleOfAProgramIsRefused()
    {
        using TemporaryFolder folder = new();
        File.Copy(Path.Combine(Golden("llama"), "config.json"), folder["config.json"]);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", "module.pt"), folder["pytorch_model.bin"]);
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.Read(folder[""])).Message;
        Assert.StartsWith(folder["pytorch_model.bin"], message, StringComparison.Ordinal);
        Assert.Contains("torch.nn.modules.linear", message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatBelongsToAnotherModelOrWasDisposedIsAnException()
    {
        using Workers workers = new(1);
        using Decoder model = ModelFolder.ReadDecoder(Golden("llama"));
        Decoder other = ModelFolder.ReadDecoder(Golden("llama"));
        using Tape tape = new(workers, model.Parameters) { Recording = false }, otherTape = new(workers, other.Parameters) { Recording = false };
        SequenceState state = model.NewState();
        Assert.Contains("belongs to another model", Assert.Throws<ArgumentException>(() => other.NextLogits(otherTape, Rows.One(new[] { 1 }, state))).Message,
            StringComparison.Ordinal);
        Assert.Contains("belongs to other parameters", Assert.Throws<ArgumentException>(() => other.NextLogits(tape, Rows.One(new[] { 1 }))).Message,
            StringComparison.Ordinal);
        Assert.Contains("id 96 is not in the vocabulary of 96", Assert.Throws<ArgumentException>(() => model.NextLogits(tape, Rows.One(new[] { 96 }))).Message,
            StringComparison.Ordinal);
        Assert.Contains("129 tokens are more than the longest sequence, 128", Assert.Throws<ArgumentException>(() =>
            model.NextLogits(tape, Rows.One(new int[129]))).Message, StringComparison.Ordinal);
        state.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.NextLogits(tape, Rows.One(new[] { 1 }, state)));
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => other.NextLogits(otherTape, Rows.One(new[] { 1 })));
    }

    private static string Golden(string family) => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family);
}
