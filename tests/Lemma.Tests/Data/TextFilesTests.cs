using System.Text;
using Lemma.Data;

namespace Lemma.Tests.Data;

public class TextFilesTests
{
    [Fact]
    public void FilesFoldersAndGlobsAreReadOnceInOrdinalOrder()
    {
        using TemporaryFolder folder = new();
        folder.Write("b.txt", "bee");
        folder.Write("B.txt", "Bee");
        folder.Write("deep/er/a.txt", "ay");
        folder.Write("deep/c.jsonl", "{\"text\":\"one\"}\n\n{\"id\":1,\"text\":\"two\\u2028\"}\r\n{\"text\":\"\"}");
        folder.Write("skipped.md", "no");
        string[] all = ["Bee", "bee", "one", "two\u2028", "ay"];
        Assert.Equal(all, Texts(folder[""]));
        Assert.Equal(all, Texts(folder["deep"], folder["b.txt"], folder["*.txt"], folder["b.txt"]));
        Assert.Equal(all, Texts(folder["**/*.txt"], folder["*/c.j*"]));
        Assert.Equal(["Bee", "bee"], Texts(folder["?.txt"]));
        Assert.Equal(["ay"], Texts(folder["deep/*/*.txt"]));
        Assert.Equal(["no"], Texts(folder["skipped.md"]));
        Assert.EndsWith("c.jsonl: line 3", TextFiles.Read([folder["deep/c.jsonl"]])[1].Source, StringComparison.Ordinal);
    }

    [Fact]
    public void LinksInACircleAreNotFollowedForEver()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["texts/inner"]);
        folder.Write("texts/a.txt", "a");
        folder.Write("texts/inner/b.txt", "b");
        folder.Write("other/c.txt", "c");
        Directory.CreateSymbolicLink(folder["texts/inner/up"], folder["texts"]);
        Directory.CreateSymbolicLink(folder["texts/inner/self"], folder["texts/inner/self"]);
        Directory.CreateSymbolicLink(folder["texts/aside"], folder["other"]);
        foreach (string argument in (string[])[folder["texts"], folder["texts/**/*.txt"]])
            Assert.Equal(["a", "b", "c"], TextFiles.Read([argument]).Select(document => document.Text).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("none.txt", "data: there is no file or folder '")]
    [InlineData("*.none", "data: no file matches '")]
    [InlineData("empty", "has no .txt or .jsonl file")]
    public void WhatIsNotThereIsNamed(string name, string reason)
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["empty"]);
        Assert.Contains(reason, Assert.Throws<FileNotFoundException>(() => TextFiles.Read([folder[name]])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0x63, 0x61, 0x66, 0xE9 }, "0xE9 at offset 3")]
    [InlineData(new byte[] { 0xC3, 0xA9, 0xC3, 0x28 }, "0xC3 at offset 2")]
    [InlineData(new byte[] { 0x61, 0xED, 0xA0, 0x80 }, "0xED at offset 1")]
    [InlineData(new byte[] { 0x61, 0xE2, 0x82 }, "0xE2 at offset 1")]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x61, 0x00 }, "0xFF at offset 0")]
    public void BytesThatAreNotUtf8AreNamedWithTheirOffset(byte[] bytes, string place)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("notes.txt", bytes);
        Assert.Equal($"{path}: not UTF-8: byte {place}; name the encoding with --encoding",
            Assert.Throws<InvalidDataException>(() => TextFiles.Read([path])).Message);
    }

    [Fact]
    public void AnEncodingCanBeNamedAndMarksAreLeftOut()
    {
        using TemporaryFolder folder = new();
        Assert.Equal("café", TextFiles.ReadText(folder.Write("latin.txt", [0x63, 0x61, 0x66, 0xE9]), Encoding.Latin1));
        Assert.Equal("a", TextFiles.ReadText(folder.Write("wide.txt", [0xFF, 0xFE, 0x61, 0x00]), Encoding.Unicode));
        Assert.Equal("a", TextFiles.ReadText(folder.Write("mark.txt", [0xEF, 0xBB, 0xBF, 0x61])));
        Assert.Contains("not us-ascii: byte 0xE9 near offset 3",
            Assert.Throws<InvalidDataException>(() => TextFiles.ReadText(folder["latin.txt"], Encoding.ASCII)).Message,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}\n{\"text\":1}", "line 2: the object has no field \"text\"")]
    [InlineData("{\"text\":\"a\"}\n\n{\"text\"", "line 3: not JSON at byte 7")]
    [InlineData("[]", "line 1: a JSON object is needed, but it is a JSON Array")]
    [InlineData("{\"text\":\"\\ud800\"}", "line 1: the field \"text\" is not valid text")]
    public void ABrokenLineIsNamed(string text, string reason)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("a.jsonl", text);
        Assert.StartsWith($"{path}: {reason}", Assert.Throws<InvalidDataException>(() => TextFiles.Read([path])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void EmptyDataIsRefused()
    {
        using TemporaryFolder folder = new();
        string[] paths = [folder.Write("a.txt", ""), folder.Write("b.jsonl", "\n\n")];
        Assert.Equal($"data: there is no text in {paths[0]}, {paths[1]}",
            Assert.Throws<InvalidDataException>(() => TextFiles.Read(paths)).Message);
        Assert.Throws<InvalidDataException>(() => TextFiles.Read([]));
    }

    private static string[] Texts(params string[] arguments) => [.. TextFiles.Read(arguments).Select(document => document.Text)];
}
