using System.Text.RegularExpressions;

namespace Lemma.Tests.Architecture;

/// <summary>Who may import whom: no arrow exists but these (docs/architecture.md).</summary>
public partial class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Formulas"] = [],
        ["Formats"] = [],
        ["Parquet"] = [],
        ["Extensions"] = ["Language", "Decoding", "Sequences", "Weights", "Text"],
        ["Server"] = ["Language", "Decoding", "Sequences", "Weights", "Text"],
        ["Text"] = ["Formats"],
        ["Compute"] = ["Formulas"],
        ["Weights"] = ["Compute", "Formulas"],
        ["Tensors"] = ["Weights", "Compute", "Formulas"],
        ["Sequences"] = ["Tensors", "Weights", "Compute", "Formulas"],
        ["Modules"] = ["Sequences", "Tensors", "Weights", "Compute", "Formulas"],
        ["Models"] = ["Modules", "Sequences", "Tensors", "Weights", "Compute", "Formulas"],
        ["Decoding"] = ["Models", "Sequences", "Tensors", "Weights", "Compute", "Formulas", "Text"],
        ["Data"] = ["Text", "Formulas"],
        ["Checkpoints"] = ["Models", "Modules", "Sequences", "Tensors", "Weights", "Compute", "Formats", "Formulas"],
        ["Language"] = ["Decoding", "Checkpoints", "Models", "Modules", "Sequences", "Tensors", "Weights", "Compute", "Text", "Formats"],
        ["Evaluation"] = ["Models", "Sequences", "Decoding", "Data", "Tensors", "Compute", "Formulas", "Text"],
        ["Planning"] = ["Training", "Checkpoints", "Models", "Modules", "Sequences", "Tensors", "Weights", "Compute", "Formulas", "Formats"],
        ["Training"] = ["Evaluation", "Sequences", "Checkpoints", "Formats", "Data", "Decoding", "Models", "Tensors", "Weights", "Compute", "Formulas", "Text"],
    };

    public static TheoryData<string> Rooms => [.. Allowed.Keys];

    [Theory, MemberData(nameof(Rooms))]
    public void ARoomImportsOnlyWhatStandsBelowIt(string room)
    {
        string folder = room switch
        {
            "Extensions" => "src/Lemma.Extensions.AI",
            "Formulas" or "Formats" or "Parquet" or "Server" or "Text" => $"src/Lemma.{room}",
            _ => $"src/Lemma/{room}",
        };
        Assert.NotEmpty(Repository.Sources(folder));
        foreach (string file in Repository.Sources(folder))
        {
            foreach (Match match in Import().Matches(File.ReadAllText(file)))
            {
                string other = match.Groups[1].Value;
                Assert.True(other == room || !Allowed.ContainsKey(other) || Allowed[room].Contains(other),
                    $"{Path.GetRelativePath(Repository.Root, file)} imports {other}, but {room} may import only: {string.Join(", ", Allowed[room])}");
            }
        }
    }

    [Fact]
    public void EveryRoomIsInTheTable()
    {
        string[] rooms = [.. Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src/Lemma")).Select(Path.GetFileName)
            .OfType<string>().Where(name => name is not ("bin" or "obj")).Order(StringComparer.Ordinal)];
        Assert.All(rooms, room => Assert.Contains(room, Allowed.Keys));
    }

    [Fact]
    public void FilesAreShortAndLinesFit()
    {
        foreach (string file in Repository.Sources("src").Concat(Repository.Sources("bench")))
        {
            string[] lines = File.ReadAllLines(file);
            string name = Path.GetRelativePath(Repository.Root, file);
            Assert.True(lines.Length <= 500, $"{name} has {lines.Length} lines; does it still have one job?");
            int wide = Array.FindIndex(lines, line => line.Length > 165);
            Assert.True(wide < 0, $"{name}:{wide + 1} is wider than 165 characters");
        }
    }

    [Fact]
    public void LibrariesUseNoReflectionToSerialize()
    {
        string[] libraries = ["src/Lemma", "src/Lemma.Formats", "src/Lemma.Text", "src/Lemma.Formulas", "src/Lemma.Parquet", "src/Lemma.Extensions.AI", "src/Lemma.Server"];
        foreach (string file in libraries.SelectMany(Repository.Sources))
            Assert.DoesNotContain("JsonSerializer.", File.ReadAllText(file), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(?:using (?:static )?|[^\w.])Lemma\.(\w+)")]
    private static partial Regex Import();
}
