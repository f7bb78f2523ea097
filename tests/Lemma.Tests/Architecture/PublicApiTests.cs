using System.Reflection;
using System.Text.RegularExpressions;

namespace Lemma.Tests.Architecture;

/// <summary>What users see stands in a reviewed file a package: PublicApi/NAME.txt.</summary>
public class PublicApiTests
{
    /// <summary>The packages with a reviewed surface; one line for each.</summary>
    public static TheoryData<string> Packages => ["Lemma", "Lemma.Extensions.AI", "Lemma.Formats", "Lemma.Formulas", "Lemma.Parquet", "Lemma.Server", "Lemma.Text"];

    [Theory, MemberData(nameof(Packages))]
    public void ThePublicSurfaceIsTheReviewedOne(string package)
    {
        string path = Path.Combine(Repository.Root, "tests/Lemma.Tests/Architecture/PublicApi", package + ".txt");
        string[] actual = [.. PublicApi.Of(Assembly.Load(package))];
        if (Environment.GetEnvironmentVariable("LEMMA_PUBLIC_API") == "write")
            File.WriteAllText(path, string.Join('\n', actual) + "\n");
        string[] reviewed = File.ReadAllLines(path);
        // A member belongs to the type above it, so a line alone would not say where it was added.
        string[] added = [.. Placed(actual).Except(Placed(reviewed))], removed = [.. Placed(reviewed).Except(Placed(actual))];
        Assert.True(actual.SequenceEqual(reviewed), $"{package}: the public surface is not that of {path}; look at the difference, and where it is meant, "
            + "run this test with LEMMA_PUBLIC_API=write and commit the file\n"
            + string.Join('\n', removed.Select(line => "- " + line).Concat(added.Select(line => "+ " + line))));
    }

    /// <summary>What people do with a loaded model is learned from one printed page.</summary>
    [Theory]
    [InlineData("Lemma.Language")]
    [InlineData("Lemma.Language.LongText")]
    [InlineData("Lemma.Language.Sentences")]
    [InlineData("Lemma.Language.Serving")]
    [InlineData("Lemma.Language.Views")]
    public void TheLanguageRoomFitsOnOnePage(string space)
    {
        int lines = 0;
        bool counts = false;
        foreach (string line in PublicApi.Of(Assembly.Load("Lemma")))
        {
            if (!line.StartsWith(' '))
                counts = Regex.IsMatch(line, $@" {Regex.Escape(space)}\.\w+( |$)", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            lines += counts ? 1 : 0;
        }
        Assert.InRange(lines, 10, 72);
    }

    private static IEnumerable<string> Placed(string[] lines)
    {
        string type = "";
        foreach (string line in lines)
        {
            type = line.StartsWith(' ') ? type : line;
            yield return line.StartsWith(' ') ? $"{type.Split(" : ")[0]}: {line.Trim()}" : line;
        }
    }
}
