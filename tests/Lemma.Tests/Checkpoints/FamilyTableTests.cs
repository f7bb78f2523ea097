using System.Globalization;
using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Tests.Architecture;

namespace Lemma.Tests.Checkpoints;

/// <summary>The tables of families in the README and in docs/models.md are those of the code and of the reference checkpoints; <c>LEMMA_FAMILIES=write</c> writes them.</summary>
public class FamilyTableTests
{
    private const string Begin = "<!-- families: written by FamilyTableTests -->", End = "<!-- end of families -->";

    private static readonly string[] Counts = ["forty", "forty-one", "forty-two", "forty-three", "forty-four", "forty-five", "forty-six"];

    private static string[] Names => [.. Family.Names.Split(", ").Where(name => name != "lemma")];

    [Theory]
    [InlineData("docs/models.md", true)]
    [InlineData("README.md", false)]
    public void TheTableIsCurrent(string file, bool tellsFiles)
    {
        string path = Path.Combine(Repository.Root, file), page = File.ReadAllText(path).ReplaceLineEndings("\n");
        int first = page.IndexOf(Begin, StringComparison.Ordinal), last = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(first >= 0 && last > first, $"{file} has no place for the table of families");
        string expected = $"{page[..first]}{Begin}\n{Table(tellsFiles)}{page[last..]}";
        if (Environment.GetEnvironmentVariable("LEMMA_FAMILIES") == "write")
            File.WriteAllText(path, expected);
        else
            Assert.Equal(expected, page);
    }

    [Fact]
    public void TheReadmeCountsThem()
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        Assert.Contains($"Folders of\n{Counts[Names.Length - 40]} families load", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    private static string Table(bool tellsFiles)
    {
        ILookup<string, (string Folder, JsonElement Expected)> checkpoints = ReferenceFolders().ToLookup(one => one.Family, one => (one.Folder, one.Expected));
        string table = tellsFiles ? "| `model_type` | its file | reference checkpoints | what agrees with transformers in float64 | GGUF |\n|---|---|---|---|---|\n"
            : "| `model_type` | what agrees with transformers | GGUF |\n|---|---|---|\n";
        foreach (string name in Names)
        {
            (string file, int lines) = FileOf(name);
            (string Folder, JsonElement Expected)[] own = [.. checkpoints[name].OrderBy(one => one.Folder, StringComparer.Ordinal)];
            Assert.True(own.Length > 0, $"the family {name} has no reference checkpoint");
            table += string.Create(CultureInfo.InvariantCulture, $"| {name} | {(tellsFiles ? $"{file}, {lines} lines | {string.Join(", ", own.Select(one => one.Folder))} | " : "")}")
                + $"{string.Join("; ", own.Select(one => Checked(one.Expected)).Distinct())} | {Family.Find(name)!.Gguf?.Architecture ?? "–"} |\n";
        }
        return table;
    }

    private static IEnumerable<(string Family, string Folder, JsonElement Expected)> ReferenceFolders()
    {
        foreach (string folder in Directory.EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints")))
        {
            if (!File.Exists(Path.Combine(folder, "expected.json")))
                continue;
            using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
            yield return (config.RootElement.GetProperty("model_type").GetString()!, Path.GetFileName(folder),
                JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json"))).RootElement);
        }
    }

    // ReferenceCheckpointTests compares what a folder has recorded.
    private static string Checked(JsonElement expected)
    {
        (string Field, string What)[] all = [("logits", "logits"), ("mlm_logits", "logits of masks and classes"), ("loss", "loss"),
            ("training", "gradient and five steps"), ("greedy", "greedy and beam texts")];
        return string.Join(", ", all.Where(one => expected.TryGetProperty(one.Field, out _)).Select(one => one.What));
    }

    // The file that declares the name.
    private static (string File, int Lines) FileOf(string name)
    {
        string folder = Path.Combine(Repository.Root, "src", "Lemma", "Checkpoints", "Families");
        string file = Directory.EnumerateFiles(folder, "*.cs").Single(file => File.ReadAllText(file).Contains($"string Name => \"{name}\";", StringComparison.Ordinal));
        return (Path.GetFileName(file), File.ReadLines(file).Count(line => line.Trim().Length > 0));
    }
}
