using System.Globalization;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

public class JsonSettingsTests
{
    [Theory]
    [InlineData("""{"a": 1, "b": {"a": 2, "a": 3}}""", "the key 'a' occurs twice in one object, the second time in line 1, column 24")]
    [InlineData("{\"a\": \n}", "the file must be JSON, but line 2, byte 1 is not")]
    [InlineData("[1]", "a JSON object is needed")]
    public void FilesWithAFaultAreRefused(string json, string reason)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("config.json", json);
        Assert.StartsWith($"{path}: {reason}", Assert.Throws<InvalidDataException>(() => JsonSettings.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DeepNestingIsRefused()
    {
        using TemporaryFolder folder = new();
        foreach (int depth in (int[])[65, 100, 1_000_000])
        {
            string path = folder.Write("config.json", string.Concat(Enumerable.Repeat("{\"a\":", depth)));
            Assert.Contains(string.Create(CultureInfo.InvariantCulture,
                $"objects and arrays must be nested at most 64 deep, but one at byte {64 * 5} is deeper"),
                Assert.Throws<InvalidDataException>(() => JsonSettings.Read(path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void NumbersThatAreNoneAreRefusedWhereTheyAreRead()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("config.json", """{"a": NaN, "b": {"c": -Infinity, "d": 1e999}, "e": 2}""");
        JsonSettings settings = JsonSettings.Read(path);
        Assert.Equal(["a", "b", "e"], settings.Names);
        Assert.Equal(2, settings.Integer("e"));
        Assert.Equal($"{path}: \"a\" must be a finite number, but it is \"NaN\"", Assert.Throws<InvalidDataException>(() => settings.Number("a")).Message);
        JsonSettings section = settings.Section("b")!.Value;
        Assert.Equal($"{path}: \"b.c\" must be a finite number, but it is \"-Infinity\"",
            Assert.Throws<InvalidDataException>(() => section.Number("c")).Message);
        Assert.Equal($"{path}: \"b.d\" must be a finite number, but it is 1e999", Assert.Throws<InvalidDataException>(() => section.Number("d")).Message);
    }
}
