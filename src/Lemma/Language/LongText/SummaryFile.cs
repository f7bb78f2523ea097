using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Language.LongText;

/// <summary>Finished summaries in a file, by what they were made of; written anew with each, so that a kill loses none.</summary>
internal sealed class SummaryFile
{
    private const string VersionField = "lemma_summaries", PiecesField = "pieces";
    private const int Version = 1;
    private const long MaximumBytes = 1_000_000_000;
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };
    private readonly string path;
    private readonly List<(string Key, string Text)> pieces = [];
    private readonly Dictionary<string, string> byKey = [];

    private SummaryFile(string path) => this.path = path;

    /// <summary>Reads a file, or begins one: where none can be written is told before the work.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static SummaryFile Open(string path)
    {
        SummaryFile file = new(path);
        if (!File.Exists(path))
        {
            file.Write();
            return file;
        }
        using JsonDocument document = JsonText.Read(path, MaximumBytes);
        JsonPlace root = new(document.RootElement, path), version = root[VersionField];
        if (version.IsNull || version.Integer() != Version)
            throw version.Error($"must be {Version}, the version of a file of summaries");
        foreach (JsonPlace piece in root[PiecesField].Members())
            file.Remember(piece.Name, piece.Text());
        return file;
    }

    /// <summary>The text that a key has, if any.</summary>
    public string? Find(string key) => byKey.GetValueOrDefault(key);

    /// <summary>Keeps a text.</summary>
    public void Add(string key, string text)
    {
        Remember(key, text);
        Write();
    }

    private void Remember(string key, string text)
    {
        byKey.Add(key, text);
        pieces.Add((key, text));
    }

    private void Write() => AtomicFile.Write(path, stream =>
    {
        using (Utf8JsonWriter json = new(stream, Readable))
        {
            json.WriteStartObject();
            json.WriteNumber(VersionField, Version);
            json.WriteStartObject(PiecesField);
            foreach ((string key, string text) in pieces)
                json.WriteString(key, text);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    });
}
