using System.Text;
using System.Text.Json;

namespace Lemma.Data;

/// <summary>The rows of a file, each an object of JSON, in order.</summary>
/// <param name="file">The file.</param>
public delegate IEnumerable<ReadOnlyMemory<byte>> RowReader(string file);

/// <summary>Reads examples from files, whatever of the known forms they have.</summary>
/// <remarks>
/// A <c>.jsonl</c> file has an object in every line, a <c>.json</c> file an array of them (or lines, where it begins with an object), any other file is
/// one document. A file has one form, told by the fields of its objects: messages (role and content), conversations (from and value), instruction with
/// input and output, prompt with completion, source with target, sentence1 and sentence2 with score, anchor with positive, chosen and rejected (with
/// prompt, instruction or a conversation, or with it inside both), prompt with completion and label, prompt or question with answer, text. A prompt
/// or answer that is a text is a turn of the user or the assistant. What was read well and teaches nothing is left out and counted;
/// what is broken is refused with <see cref="InvalidDataException"/>.
/// </remarks>
public static class ExampleFiles
{
    private static readonly string[] Endings = [".txt", ".jsonl", ".json"];

    /// <summary>Reads every example behind a list of files, folders and globs, in the ordinal order of the files' full paths, and keeps none.</summary>
    /// <param name="arguments">Files, folders (their .txt, .jsonl and .json files, at any depth) and globs (<c>*</c>, <c>?</c>, <c>**</c>).</param>
    /// <param name="report">Told what is read and what is left out.</param>
    /// <param name="encoding">The encoding of the files; UTF-8 when null.</param>
    /// <param name="formats">How files with further endings are read, such as ".parquet"; null for none.</param>
    public static IEnumerable<DataExample> Stream(IReadOnlyList<string> arguments, DataReport report, Encoding? encoding = null,
        IReadOnlyDictionary<string, RowReader>? formats = null)
    {
        foreach (string file in FilePatterns.Resolve(arguments, [.. Endings, .. formats?.Keys ?? []]))
            foreach (DataExample example in formats?.GetValueOrDefault(Path.GetExtension(file)) is { } rows
                ? Objects(file, "row", rows(file).Select((row, i) => (row, i + 1))) : File(file, encoding))
            {
                report.CountRead();
                if (ExampleFault.Of(example) is { } reason)
                    report.CountDropped(reason, example.Source);
                else
                    yield return example;
            }
    }

    /// <summary>As <see cref="Stream"/>, of files that hold examples of one kind alone.</summary>
    /// <exception cref="InvalidDataException">An example is of another kind, or there is none.</exception>
    public static List<T> Read<T>(IReadOnlyList<string> arguments, DataReport report, Encoding? encoding = null,
        IReadOnlyDictionary<string, RowReader>? formats = null) where T : DataExample
    {
        List<T> examples = [];
        foreach (DataExample example in Stream(arguments, report, encoding, formats))
            examples.Add(example as T ?? throw new InvalidDataException($"{example.Source}: {Kind(typeof(T))} is needed, but here is {Kind(example.GetType())}"));
        return examples.Count > 0 ? examples : throw new InvalidDataException($"data: there is no example in {string.Join(", ", arguments)}; {report.Summary}");
    }

    private static IEnumerable<DataExample> File(string file, Encoding? encoding) => Path.GetExtension(file).ToLowerInvariant() switch
    {
        ".jsonl" => Objects(file, "line", JsonLines.Read(file, encoding)),
        ".json" when JsonElements.IsArray(file, encoding) => Objects(file, "element", JsonElements.Read(file, encoding)),
        ".json" => Objects(file, "line", JsonLines.Read(file, encoding)),
        _ => [new TextDocument(file, TextFiles.ReadText(file, encoding))],
    };

    private static IEnumerable<DataExample> Objects(string file, string place, IEnumerable<(ReadOnlyMemory<byte> Json, int Number)> items)
    {
        (ExampleForm Form, int Number)? first = null;
        foreach ((ReadOnlyMemory<byte> bytes, int number) in items)
        {
            string source = $"{file}: {place} {number}";
            using JsonDocument json = JsonLines.Parse(bytes, source);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{source}: a JSON object is needed, but it is a JSON {json.RootElement.ValueKind}");
            (ExampleForm form, DataExample example) = Read(new ExampleFields(json.RootElement, source));
            first ??= (form, number);
            if (form != first.Value.Form)
                throw new InvalidDataException($"{source}: a file has one form, but here it is ({form.Name}), and in {place} {first.Value.Number} "
                    + $"({first.Value.Form.Name})");
            yield return example;
        }
    }

    private static (ExampleForm Form, DataExample Example) Read(ExampleFields fields)
    {
        try
        {
            ExampleForm form = ExampleForm.Of(fields);
            return (form, form.Read(fields));
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: valid JSON, but no text.
            throw fields.Error("a name or a value in it is not valid text");
        }
    }

    private static string Kind(Type type) => type == typeof(TextDocument) ? "a document" : type == typeof(ChatExample) ? "a conversation"
        : type == typeof(SequencePair) ? "a source with its target" : type == typeof(SentencePair) ? "a pair of texts that go together"
        : type == typeof(PreferenceExample) ? "a pair of answers" : type == typeof(FeedbackExample) ? "an answer with a label" : "a prompt with a known answer";
}
