using Lemma.Formats;

namespace Lemma.Tests.Formats;

public class AtomicTests
{
    [Fact]
    public void AFileIsReplacedWholeOrNotAtAll()
    {
        using TemporaryFolder folder = new();
        string path = folder["a.txt"];
        AtomicFile.Write(path, stream => stream.Write("one"u8));
        AtomicFile.Write(path, stream => stream.Write("two"u8));
        Assert.Equal("two", File.ReadAllText(path));
        Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("thr"u8);
            throw new IOException("disk full");
        }));
        Assert.Equal("two", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder[""]));
    }

    [Fact]
    public void AFolderIsReplacedAndLeavesNothingBeside()
    {
        using TemporaryFolder folder = new();
        string path = folder["model"];
        Fill(path, "one");
        Fill(path, "two");
        Assert.Equal("two", Read(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder[""]));
    }

    [Fact]
    public void AFailureWhileFillingKeepsTheOldFolder()
    {
        using TemporaryFolder folder = new();
        string path = folder["model"];
        Fill(path, "one");
        Assert.Throws<IOException>(() => AtomicFolder.Write(path, into =>
        {
            File.WriteAllText(Path.Combine(into, "text"), "tw");
            throw new IOException("disk full");
        }));
        Assert.Equal("one", Read(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder[""]));
    }

    [Fact]
    public void AFileInAFolderThatIsBuiltIsFlushedAndRenamedWithIt()
    {
        using TemporaryFolder folder = new();
        List<string> seen = [];
        AtomicFolder.Write(folder["model"], into =>
        {
            Assert.Throws<IOException>(() => AtomicFolder.Write(folder["model"], _ => { }));
            AtomicFile.Write(Path.Combine(into, "text"), _ => seen.AddRange(Directory.GetFiles(into).Select(Path.GetFileName).OfType<string>()));
        });
        AtomicFile.Write(folder["text"], _ => seen.AddRange(Directory.GetFiles(folder[""]).Select(Path.GetFileName).OfType<string>()));
        Assert.Equal(["text", "text.partial"], seen);
        Assert.Equal("", Read(folder["model"]));
    }

    // Each state is what a kill between two of the steps leaves behind.
    [Theory]
    [InlineData(new[] { "model=one", "model.partial=tw" }, "one")]
    [InlineData(new[] { "model.previous=one", "model.partial=two" }, "one")]
    [InlineData(new[] { "model=two", "model.previous=one" }, "two")]
    [InlineData(new[] { "model=two", "model.discarded=on" }, "two")]
    [InlineData(new[] { "model=two", "model.previous=one", "model.discarded=on", "model.partial=thr" }, "two")]
    public void EveryStateAKillCanLeaveIsReadAndRepaired(string[] state, string expected)
    {
        using TemporaryFolder folder = new();
        foreach (string[] pair in state.Select(entry => entry.Split('=')))
            folder.Write(Path.Combine(pair[0], "text"), pair[1]);
        string path = folder["model"];
        Assert.Equal(expected, Read(path));
        Assert.Equal(expected, Read(path + Path.DirectorySeparatorChar));
        Fill(path, "next");
        Assert.Equal("next", Read(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder[""]));
    }

    private static void Fill(string path, string text) =>
        AtomicFolder.Write(path, into => File.WriteAllText(Path.Combine(into, "text"), text));

    private static string Read(string path) => File.ReadAllText(Path.Combine(AtomicFolder.Resolve(path), "text"));
}
