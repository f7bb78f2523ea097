using Lemma.Tests.Architecture;

namespace Lemma.Tests.Documentation;

/// <summary>Every block of C# in README.md, docs and the packages' pages is compiled with the tests.</summary>
public class DocumentedCodeTests
{
    [Fact]
    public void TheBlocksOfThePagesAreThoseThatWereCompiled()
    {
        string path = Path.Combine(Repository.Root, DocumentedCode.Place), actual = DocumentedCode.Write();
        if (Environment.GetEnvironmentVariable("LEMMA_DOCUMENTED_CODE") == "write")
            File.WriteAllText(path, actual);
        Assert.True(File.ReadAllText(path) == actual, $"the C# of the documentation is not that of {DocumentedCode.Place}; run this test with "
            + "LEMMA_DOCUMENTED_CODE=write, build, and commit the file");
    }

    [Fact]
    public void BlocksAreFoundWhereverTheyStand()
    {
        string[] page = ["# Page", "```csharp", "int a = 1;", "```", "```json", "```", "1. item", "   ```csharp", "   int b = 2;", "", "   ```"];
        Assert.Equal([["int a = 1;"], ["   int b = 2;", ""]], DocumentedCode.Blocks(page, "page.md"));
        Assert.Equal("page.md: the block of C# in line 2 does not end",
            Assert.Throws<InvalidDataException>(() => DocumentedCode.Blocks(page[..3], "page.md").Count()).Message);
    }

    [Fact]
    public void ThePagesAreThoseThatPeopleRead()
    {
        string[] pages = [.. DocumentedCode.Pages()];
        Assert.Contains("README.md", pages);
        Assert.Contains("docs/long-text.md", pages);
        Assert.Contains("src/Lemma/README.md", pages);
    }
}
