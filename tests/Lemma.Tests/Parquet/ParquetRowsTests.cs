using System.Text.Json;
using Lemma.Data;
using Lemma.Parquet;

namespace Lemma.Tests.Parquet;

/// <summary>Rows of a file that DuckDB wrote (Golden/parquet/rows.sql) are those that it wrote as JSON.</summary>
public sealed class ParquetRowsTests : IDisposable
{
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "parquet");
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void NestedRowsAreThoseOfTheWriter()
    {
        string[] expected = File.ReadAllLines(Path.Combine(Golden, "rows.jsonl"));
        int count = 0;
        foreach (ReadOnlyMemory<byte> row in ParquetRows.Read(Path.Combine(Golden, "rows.parquet")))
        {
            using JsonDocument actual = JsonDocument.Parse(row), written = JsonDocument.Parse(expected[count++]);
            // Bytes are no type of JSON, so their column is left out.
            Assert.Equal(written.RootElement.EnumerateObject().Select(field => field.Name).Where(name => name != "raw"),
                actual.RootElement.EnumerateObject().Select(field => field.Name));
            foreach (JsonProperty field in actual.RootElement.EnumerateObject())
                Assert.True(JsonElement.DeepEquals(field.Value, written.RootElement.GetProperty(field.Name)),
                    $"row {count}, {field.Name}: {field.Value.GetRawText()}, but {written.RootElement.GetProperty(field.Name).GetRawText()} was written");
        }
        Assert.Equal((60, 60), (expected.Length, count));
    }

    [Fact]
    public void ExamplesComeFromRows()
    {
        File.Copy(Path.Combine(Golden, "rows.parquet"), folder["rows.parquet"]);
        folder.Write("other.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\"}");
        Dictionary<string, RowReader> formats = new() { [".parquet"] = ParquetRows.Read };
        // The second row has nothing in it; the first four are passed over for the rest.
        Assert.StartsWith($"{folder["rows.parquet"]}: row 2: no known form: the object has no field, but a form has one of these: ",
            Assert.Throws<InvalidDataException>(() => ExampleFiles.Stream([folder[""]], new DataReport(), formats: formats).Count()).Message, StringComparison.Ordinal);
        formats[".parquet"] = file => ParquetRows.Read(file).Skip(4);
        List<ChatExample> chats = ExampleFiles.Read<ChatExample>([folder[""]], new DataReport(), formats: formats);
        Assert.Equal(["other.jsonl: line 1", "rows.parquet: row 1", "rows.parquet: row 2"], chats.Take(3).Select(chat => Path.GetFileName(chat.Source)));
        Assert.Equal(Enumerable.Range(4, 56).Select(i => $"user q{i} assistant a{i}"),
            chats.Skip(1).Select(chat => string.Join(' ', chat.Messages.Select(message => $"{message.Role} {message.Content}"))));
        Assert.Single(ExampleFiles.Stream([folder[""]], new DataReport()));
    }

    [Fact]
    public void ABrokenFileIsOneSentence()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Golden, "rows.parquet"));
        for (int length = 0; length < whole.Length; length += 97)
        {
            string path = folder.Write("cut.parquet", whole[..length]);
            Assert.StartsWith($"{path}: not a Parquet file that can be read: ",
                Assert.Throws<InvalidDataException>(() => ParquetRows.Read(path).Count()).Message, StringComparison.Ordinal);
        }
        int broken = 0;
        for (int at = 0; at < whole.Length; at += 13)
        {
            byte[] bytes = [.. whole];
            bytes[at] ^= 0x15;
            string path = folder.Write("changed.parquet", bytes);
            try
            {
                Assert.InRange(ParquetRows.Read(path).Count(), 0, 60);
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith($"{path}: ", e.Message, StringComparison.Ordinal);
                broken++;
            }
        }
        Assert.True(broken > 20, $"{broken}");
    }
}
