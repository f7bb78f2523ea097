using System.Text.Json;
using Lemma.Text;

namespace Lemma.Tests.Text;

/// <summary>Tokenizers with golden files, in a folder named by LEMMA_TOKENIZERS and at any depth below it: each a tokenizer beside
/// cases.json, a list of {text, ids} and of what the ids decode to, if it says so.</summary>
public sealed class TokenizerFolderTests
{
    public static TheoryData<string> Folders
    {
        get
        {
            string? root = Environment.GetEnvironmentVariable("LEMMA_TOKENIZERS");
            if (string.IsNullOrEmpty(root))
                return [""];
            string[] folders = Directory.Exists(root) ? [.. Directory.EnumerateFiles(root, "cases.json", SearchOption.AllDirectories)
                .Select(static file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal)] : [];
            // A folder without cases is one test, which says so.
            return folders.Length > 0 ? [.. folders] : [root];
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Every_case_has_the_golden_ids(string folder)
    {
        if (folder.Length == 0)
            Assert.Skip("needs LEMMA_TOKENIZERS, a folder of tokenizers with cases.json");
        Assert.True(File.Exists(Path.Combine(folder, "cases.json")),
            $"LEMMA_TOKENIZERS: {folder} must have a cases.json in it or below, but has none");
        Tokenizer tokenizer = Tokenizer.Load(folder);
        using FileStream stream = File.OpenRead(Path.Combine(folder, "cases.json"));
        using JsonDocument cases = JsonDocument.Parse(stream);
        int count = 0, wrong = 0;
        List<string> shown = [];
        bool? special = null;
        foreach (JsonElement item in cases.RootElement.EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            int[] expected = [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            // A golden file is with or without the special tokens around; its first case tells.
            special ??= tokenizer.Encode(text).AsSpan().SequenceEqual(expected)
                || !tokenizer.Encode(text, addSpecialTokens: false).AsSpan().SequenceEqual(expected);
            int[] actual = tokenizer.Encode(text, special.Value);
            count++;
            string? decoded = item.TryGetProperty("decoded", out JsonElement said) ? said.GetString() : null, told = null;
            bool agrees = actual.AsSpan().SequenceEqual(expected);
            if (agrees && (decoded is null || decoded == (told = tokenizer.Decode(expected, skipSpecialTokens: false))))
                continue;
            wrong++;
            if (shown.Count < 12)
                shown.Add(agrees ? $"decoded {JsonSerializer.Serialize(decoded)}, actual {JsonSerializer.Serialize(told)}" : Difference(text, expected, actual));
        }
        Assert.True(wrong == 0, $"{wrong} of {count} cases differ:\n{string.Join('\n', shown)}");
    }

    private static string Difference(string text, int[] expected, int[] actual)
    {
        int at = expected.AsSpan().CommonPrefixLength(actual);
        return $"{JsonSerializer.Serialize(text.Length > 160 ? text[..160] : text)}: from id {at} on expected "
            + $"[{string.Join(' ', expected.Skip(at).Take(8))}], actual [{string.Join(' ', actual.Skip(at).Take(8))}]";
    }
}
