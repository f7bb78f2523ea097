using Lemma.Data;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>A file of ids is what tokenizing gives, and no file is trusted that is not exactly that.</summary>
public sealed class TokenCacheTests : IDisposable
{
    private static readonly string[] Texts = [.. Enumerable.Range(0, 50).Select(i => $"text {i} of some words")];
    private readonly TemporaryFolder folder = new();
    private readonly Tokenizer tokenizer = BpeTrainer.Train(Texts, new BpeTrainerOptions { VocabularySize = 280 });

    public void Dispose() => folder.Dispose();

    [Fact]
    public void IdsAreThoseOfTheTokenizerForAnyNumberOfThreads()
    {
        TokenDataset expected = TokenDataset.Pack(Texts.Select(text => tokenizer.Encode(text, addSpecialTokens: false)), 0);
        using (TokenCache first = TokenCache.Open(folder["one"], Texts, tokenizer, 0, threads: 1))
            Assert.True(first.IsNew && first.Fault is null && first.Data.Ids.SequenceEqual(expected.Ids));
        using TokenCache again = TokenCache.Open(folder["one"], Texts, tokenizer, 0), other = TokenCache.Open(folder["two"], Texts, tokenizer, 0);
        Assert.True(!again.IsNew && other.IsNew && again.Data.Ids.SequenceEqual(expected.Ids));
        Assert.Equal(File.ReadAllBytes(again.Path), File.ReadAllBytes(other.Path));
        (TokenDataset training, TokenDataset validation) = again.Data.Split(0.25);
        Assert.True(training.Ids.SequenceEqual(expected.Ids[..training.Count]) && validation.Ids.SequenceEqual(expected.Ids[training.Count..]));
        Assert.Equal(expected.LargestId, again.Data.LargestId);
        using TokenCache none = TokenCache.Open(folder["none"], [""], tokenizer, null);
        Assert.Equal(0, none.Data.Count);
    }

    [Fact]
    public void OtherTextsTokenizersAndEndsAreOtherFiles()
    {
        Tokenizer second = BpeTrainer.Train(Texts, new BpeTrainerOptions { VocabularySize = 270 });
        using TokenCache one = TokenCache.Open(folder["c"], Texts, tokenizer, 0), two = TokenCache.Open(folder["c"], Texts[1..], tokenizer, 0),
            three = TokenCache.Open(folder["c"], Texts, second, 0), four = TokenCache.Open(folder["c"], Texts, tokenizer, null),
            five = TokenCache.Open(folder["c"], [Texts[0] + Texts[1], .. Texts[2..]], tokenizer, 0);
        Assert.Equal(5, ((TokenCache[])[one, two, three, four, five]).Select(cache => cache.Path).Distinct().Count());
    }

    [Theory]
    [InlineData("cut", "it should hold ")]
    [InlineData("longer", "it should hold ")]
    [InlineData("empty", "fewer than a header")]
    [InlineData("byte", "its ids are not those that it was written with")]
    [InlineData("version", "it is no file of ids of version 1")]
    [InlineData("magic", "it is no file of ids of version 1")]
    [InlineData("foreign", "it holds the ids of other texts or of another tokenizer")]
    [InlineData("count", "it should hold ")]
    [InlineData("rest", "it holds the ids of other texts or of another tokenizer")]
    public void WhatIsStaleCutOrForeignIsMadeAnew(string kind, string fault)
    {
        string path;
        byte[] bytes, changed;
        using (TokenCache cache = TokenCache.Open(folder["c"], Texts, tokenizer, 0))
            path = cache.Path;
        using (TokenCache other = TokenCache.Open(folder["d"], Texts[1..], tokenizer, 0))
            (bytes, changed) = (File.ReadAllBytes(path), kind == "foreign" ? File.ReadAllBytes(other.Path) : File.ReadAllBytes(path));
        changed = kind switch { "cut" => changed[..^4], "longer" => [.. changed, 0, 0, 0, 0], "empty" => [], _ => changed };
        int place = kind switch { "byte" => changed.Length - 1, "version" => 8, "magic" => 0, "count" => 16, "rest" => 127, _ => -1 };
        if (place >= 0)
            changed[place] ^= 1;
        File.WriteAllBytes(path, changed);
        using TokenCache again = TokenCache.Open(folder["c"], Texts, tokenizer, 0);
        Assert.Contains(fault, again.Fault, StringComparison.Ordinal);
        Assert.True(again.IsNew);
        Assert.Equal(bytes, File.ReadAllBytes(path));
    }
}
