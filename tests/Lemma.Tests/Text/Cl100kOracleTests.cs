using System.IO.Compression;
using System.Reflection;
using System.Text;
using CsCheck;
using Lemma.Text.Splitting;
using Microsoft.ML.Tokenizers;
using Tokenizer = Lemma.Text.Tokenizer;

namespace Lemma.Tests.Text;

/// <summary>cl100k_base beside Microsoft.ML.Tokenizers, an independent implementation; both have the ranks of its data package.</summary>
public sealed class Cl100kOracleTests
{
    private static readonly TiktokenTokenizer Oracle = TiktokenTokenizer.CreateForEncoding("cl100k_base");
    private static readonly Lazy<Tokenizer> Ours = new(Load);

    // A picture has a full stop behind it: the oracle's pattern runs over halves of pairs, and joins the second half alone to a letter that follows.
    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.OneOf("the", " The", " cat", "  ", "\n", "\r\n", "\t", "'s", "'LL", "12345", "½", "...", "!?", "猫は", "日本語", "한국어", "ไทย", "हिन्दी", "עברית",
            "😀.", "👩\u200d👧.", "ß", "e\u0301", "aaaaaaaaaaaaaaaa", "camelCase", "_", "https://a.b/c?d=e", "\u0000", "\u00a0", "\u3000"),
        Gen.Int[0, 0xFFFF].Select(scalar => Rune.IsValid(scalar) ? new Rune(scalar).ToString() : "x"),
        Gen.Char['a', 'z'].Array[1, 30].Select(letters => new string(letters))).Array[0, 40].Select(string.Concat);

    [Fact]
    public void Random_strings_have_equal_ids() => Texts.Sample(text =>
    {
        Assert.Equal(Oracle.EncodeToIds(text), Ours.Value.Encode(text));
        Assert.Equal(text, Ours.Value.Decode(Ours.Value.Encode(text)));
        Assert.Equal(Oracle.CountTokens(text), Ours.Value.CountTokens(text));
    }, iter: 20_000);

    /// <summary>A picture and a letter are one word, as tiktoken 0.12 has it.</summary>
    [Fact]
    public void A_picture_before_a_letter_is_one_character() => Assert.Equal([76460, 55570], Ours.Value.Encode("😀장"));

    /// <summary>The package has a line a rank, in their order, deflated.</summary>
    private static Tokenizer Load()
    {
        using Stream packed = Assembly.Load("Microsoft.ML.Tokenizers.Data.Cl100kBase").GetManifestResourceStream("cl100k_base.tiktoken.deflate")!;
        using StreamReader lines = new(new DeflateStream(packed, CompressionMode.Decompress));
        using TemporaryFolder folder = new();
        StringBuilder ranks = new();
        Assert.StartsWith("Capacity: ", lines.ReadLine());
        for (int rank = 0; lines.ReadLine() is string line; rank++)
            if (line.Length > 0)
                ranks.Append(line).Append(' ').Append(rank).Append('\n');
        return Tokenizer.LoadTiktoken(folder.Write("cl100k_base.tiktoken", Encoding.UTF8.GetBytes(ranks.ToString())), WordPattern.Cl100k);
    }
}
