using System.Security.Cryptography;
using System.Text;
using Lemma.Text;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>Every scalar by Hugging Face tokenizers 0.23.1: the hash of what it makes of all of them.</summary>
public sealed class UnicodeAgreementTests
{
    private static readonly string[] Scalars = [.. Enumerable.Range(1, 0x10FFFF).Where(Rune.IsValid).Select(scalar => new Rune(scalar).ToString())];

    [Fact]
    public void Lower_case() => Assert.Equal("b72611229b0833e721bb9be64a405f4e36856235dcda431d2fad871d0b35823f",
        HashOf(string.Join('\n', Scalars.Select(new LowercaseNormalizer().Normalize))));

    [Fact]
    public void Numbers() => Assert.Equal("406fbff7dd01d245cd8f7640184609267f6c9db0842d990accb9df61a3d05cb0",
        HashOf(string.Concat(Scalars.Select(scalar => WordScannerTests.Pieces(new DigitsSplitter(), "a" + scalar).Count - 1))));

    [Fact]
    public void Grapheme_clusters_of_a_compiled_map()
    {
        Normalizer map = Tokenizer.Load(SharedData.FindOrSkip("data/tokenizers/t5-small")).Normalizer!;
        string[] all = [.. Scalars.Select(scalar => map.Normalize($"e\u0301{scalar}½{scalar}\u0301"))];
        Assert.Equal("5284ac4afd29a40bd1057a10beb9afc25ae4092630e7bfe78a5f84dcf28d5b2f", HashOf(string.Join('\n', all)));
    }

    private static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
