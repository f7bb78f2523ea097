using System.Security.Cryptography;
using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Language;
using Lemma.Language.Exports;
using Lemma.Models;
using Lemma.Server;
using Lemma.Server.Ollama;
using Lemma.Tests.Language;

namespace Lemma.Tests.Server;

/// <summary>What Ollama's API tells of a model's files: a digest of their content, how weights are stored, and how many there are.</summary>
public class ModelCardTests
{
    private const string Chat = """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"max_tokens":2}""";

    [Fact]
    public async Task ModelsHaveDigestsAndTellHowTheyAreStored()
    {
        using TemporaryFolder folder = new();
        string[] mixes = ["Q8_0", "Q4_K_M", "BF16"];
        using (LanguageModel small = ChatModel.Load(folder, 400))
        using (Decoder wide = Wide(small.Decoder.Config))
        {
            wide.Initialize(5);
            foreach (string mix in mixes)
                GgufExport.Write(folder[mix + ".gguf"], wide, small.Tokenizer, small.Template, GgufMix.Find(mix), small.Workers);
            ModelFolder.Write(folder["folder"], wide);
            small.Tokenizer.Save(Path.Combine(folder["folder"], "tokenizer.json"));
        }
        string[] names = ["tiny", "vectors", .. mixes, "folder"];
        await using TestServer server = await TestServer.StartAsync(configure: options =>
        {
            foreach (string mix in mixes)
                options.Models.Add(new ServedModel(mix, folder[mix + ".gguf"]));
            options.Models.Add(new ServedModel("folder", folder["folder"]));
            options.ModelBytes = 100_000_000;
        });
        // None of them is in memory, and their files say it all the same.
        Assert.Empty(server.State.Engines);
        JsonElement[] tags = await Models(server, "/api/tags");
        Assert.Equal(names, tags.Select(one => one.GetProperty("name").GetString()));
        Assert.Equal(["F32", "F32", "Q8_0", "Q4_K_M", "BF16", "F32"], tags.Select(one => Detail(one, "quantization_level")));
        Assert.Equal(["safetensors", "safetensors", "gguf", "gguf", "gguf", "safetensors"], tags.Select(one => Detail(one, "format")));
        Assert.All(tags, one => Assert.Equal("llama", Detail(one, "family")));
        Assert.Equal(ModelCard.SizeOf(server.Model.Model.Parameters.Count), Detail(tags[0], "parameter_size"));
        Assert.Single(tags[2..].Select(one => Detail(one, "parameter_size")).Distinct());
        string[] digests = [.. tags.Select(one => one.GetProperty("digest").GetString()!)];
        Assert.All(digests, digest => Assert.Matches("^[0-9a-f]{64}$", digest));
        // The first two are one file by two names; the others differ.
        Assert.Equal(digests[0], digests[1]);
        Assert.Equal(5, digests.Distinct().Count());

        Assert.Empty(await Models(server, "/api/ps"));
        Assert.Equal(200, (await server.PostAsync("/v1/chat/completions", Chat)).Status);
        JsonElement running = Assert.Single(await Models(server, "/api/ps"));
        Assert.Equal((digests[0], "F32"), (running.GetProperty("digest").GetString(), Detail(running, "quantization_level")));
        (_, JsonElement shown, _) = await server.PostAsync("/api/show", """{"model":"Q8_0"}""");
        Assert.Equal(("Q8_0", Detail(tags[2], "parameter_size"), "llama"), (Detail(shown, "quantization_level"), Detail(shown, "parameter_size"), Detail(shown, "family")));

        // Another file by the same name has another digest, and the same content that of before.
        byte[] before = await File.ReadAllBytesAsync(folder["Q8_0.gguf"], TestContext.Current.CancellationToken), after = [.. before];
        after[^1] ^= 1;
        await File.WriteAllBytesAsync(folder["Q8_0.gguf"], after, TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(folder["Q8_0.gguf"], new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.NotEqual(digests[2], (await Models(server, "/api/tags"))[2].GetProperty("digest").GetString());
        await File.WriteAllBytesAsync(folder["Q8_0.gguf"], before, TestContext.Current.CancellationToken);
        Assert.Equal(digests[2], (await Models(server, "/api/tags"))[2].GetProperty("digest").GetString());
    }

    [Theory]
    [InlineData(9_876, "9.88K"), InlineData(15_000_000, "15M"), InlineData(134_515_008, "134.52M"), InlineData(7_615_616_512, "7.6B"), InlineData(8_000_000_000, "8B")]
    public void SizesHaveALetter(long count, string told) => Assert.Equal(told, ModelCard.SizeOf(count));

    [Fact]
    public void ADigestIsOfTheContentAlone()
    {
        using TemporaryFolder folder = new();
        byte[] small = [.. Enumerable.Range(0, 9000).Select(i => (byte)(i * 7))], large = new byte[5_000_003];
        string one = folder.Write("one.bin", small), other = folder.Write("other.bin", small);
        File.SetLastWriteTimeUtc(other, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        string expected = Convert.ToHexStringLower(SHA256.HashData([.. new byte[8], .. BitConverter.GetBytes((long)small.Length), .. small]));
        Assert.Equal((expected, expected), (ModelDigest.Of(one), ModelDigest.Of(other)));
        HashSet<string> seen = [expected];
        foreach (int at in (int[])[0, 4096, 8999])
        {
            byte[] changed = [.. small];
            changed[at] ^= 1;
            Assert.True(seen.Add(ModelDigest.Of(folder.Write("one.bin", changed))), $"byte {at} does not count");
        }
        // Of a long file the ends count, and pieces between that no gap of more than a 255th parts.
        Assert.True(seen.Add(ModelDigest.Of(folder.Write("large.bin", large))));
        for (int i = 0; i < 4; i++)
        {
            byte[] changed = [.. large];
            int at = i switch { 0 => 0, 1 => large.Length - 1, 2 => 2_000_000, _ => 3_333_333 };
            Array.Fill(changed, (byte)1, at, i < 2 ? 1 : large.Length / 255);
            Assert.True(seen.Add(ModelDigest.Of(folder.Write("large.bin", changed))), $"bytes at {at} do not count");
        }
        Assert.True(seen.Add(ModelDigest.Of(folder.Write("large.bin", large[1..]))), "the length does not count");

        // In a folder names count as well, and where it lies does not.
        Directory.CreateDirectory(folder["a"]);
        Directory.CreateDirectory(folder["b"]);
        foreach (string name in (string[])["x", "y"])
        {
            File.WriteAllBytes(Path.Combine(folder["a"], name), small);
            File.WriteAllBytes(Path.Combine(folder["b"], name), small);
        }
        Assert.Equal(ModelDigest.Of(folder["a"]), ModelDigest.Of(folder["b"]));
        File.Move(Path.Combine(folder["b"], "y"), Path.Combine(folder["b"], "z"));
        Assert.NotEqual(ModelDigest.Of(folder["a"]), ModelDigest.Of(folder["b"]));
    }

    // Rows that hold blocks, and the ids of a small model's tokenizer.
    private static Decoder Wide(DecoderConfig small) =>
        new(Presets.Llama(262, width: 64, layers: 2, heads: 2, hidden: 96, length: 128) with { BeginId = small.BeginId, EndId = small.EndId });

    private static async Task<JsonElement[]> Models(TestServer server, string path) =>
        [.. JsonElement.Parse(await server.Http.GetStringAsync(path, TestContext.Current.CancellationToken)).GetProperty("models").EnumerateArray()];

    private static string? Detail(JsonElement model, string name) => model.GetProperty("details").GetProperty(name).GetString();
}
