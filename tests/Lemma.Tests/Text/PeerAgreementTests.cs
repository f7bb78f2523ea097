using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>Ids, merges and texts that Hugging Face tokenizers 0.23.1 gave for the same input.</summary>
public sealed class PeerAgreementTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "bpe.json"))).RootElement;

    private static readonly Tokenizer Trained = BpeTrainer.Train(
        Golden.GetProperty("lines").EnumerateArray().Select(line => line.GetString()!),
        new BpeTrainerOptions { VocabularySize = Golden.GetProperty("vocabulary_size").GetInt32() });

    [Fact]
    public void Merges_are_equal() => Assert.Equal(
        Golden.GetProperty("merges").EnumerateArray().Select(merge => merge.GetString()!),
        ((BpeModel)Trained.Model).Merges.Select(merge => $"{merge.Left} {merge.Right}"));

    [Fact]
    public void Ids_are_equal()
    {
        foreach (JsonElement encoded in Golden.GetProperty("encoded").EnumerateArray())
            Assert.Equal(Ids(encoded), Trained.Encode(encoded.GetProperty("text").GetString()!));
    }

    [Fact]
    public void Texts_of_random_ids_are_equal()
    {
        foreach (JsonElement decoded in Golden.GetProperty("decoded").EnumerateArray())
            Assert.Equal(decoded.GetProperty("text").GetString(), Trained.Decode(Ids(decoded)));
    }

    [Theory]
    [InlineData("gpt2", "tinyshakespeare.txt", 338025, "0c00ab83dc7f46665805762aa7688fb7852f03f28c4a5d84061871e85ea7c815")]
    [InlineData("gpt2", "udhr/hin.txt", 16897, "adb4ff606fedb99aa8767189b83310b986280e40e9293102b7ba615aa4ef55f2")]
    [InlineData("llama2-hf", "tinyshakespeare.txt", 368634, "a5686ccf53d989fc781a0c13befbd892b93686b25c18932ccd6a4098c242c8c1")]
    [InlineData("llama2-hf", "udhr/hin.txt", 11719, "00f65521adec7f861adf04dcdc7fe0a519f28649a4c1e3eb4df6ff61397f21dd")]
    public void Real_tokenizers_give_equal_ids_on_whole_files(string name, string corpus, int count, string sha256)
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip($"data/tokenizers/{name}"));
        string text = File.ReadAllText(SharedData.FindOrSkip($"data/corpora/{corpus}"));
        int[] ids = tokenizer.Encode(text);
        Assert.Equal(count, ids.Length);
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(ids.AsSpan()))));
        Assert.Equal(text, tokenizer.Decode(ids));
        Assert.Equal(ids, TokenizerFileTests.SaveAndLoad(tokenizer).Encode(text));
    }

    [Fact]
    public void Training_on_a_whole_file_is_fast_and_the_same_every_time()
    {
        string text = File.ReadAllText(SharedData.FindOrSkip("data/corpora/tinystories-sample.txt"));
        IReadOnlyList<(string, string)> Merges() => ((BpeModel)BpeTrainer.Train([text]).Model).Merges;
        System.Diagnostics.Stopwatch clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(Merges(), Merges());
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
    }

    [Fact]
    public void The_small_Llama_tokenizes_as_its_golden_file_says()
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.FindOrSkip("data/weights/stories260K/derived-hf"));
        byte[] file = File.ReadAllBytes(SharedData.FindOrSkip("data/weights/stories260K/golden-tokenization.json"));
        using JsonDocument golden = JsonDocument.Parse(file);
        Assert.NotEqual(0, golden.RootElement.GetArrayLength());
        foreach (JsonElement item in golden.RootElement.EnumerateArray())
            Assert.Equal(Ids(item), tokenizer.Encode(item.GetProperty("text").GetString()!));
    }

    private static int[] Ids(JsonElement item) => [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
}
