using System.CommandLine;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Language;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma embed</c>: texts to vectors, or a table of how alike they are.</summary>
internal static class EmbedCommand
{
    private const int MostInATable = 10;

    public static Command Build()
    {
        Argument<string> model = TextInput.Model();
        Argument<string[]> texts = new("TEXT") { Description = "The texts; lines of --file or of standard input without them", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> file = Choice.Text("--file", "FILE", "A file whose lines are the texts");
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<bool> json = Choice.Flag("--json", "One JSON object a line: text, vector"),
            table = Choice.Flag("--table", $"The cosines of all pairs; what up to {MostInATable} texts get by themselves"),
            cut = Choice.Flag("--cut", "Read of longer texts as much as the model reads, instead of refusing them");
        Option<int?> threads = Choice.Threads();
        Command command = new("embed", "Turn texts into vectors.") { model, texts, file, encoding, json, table, cut, threads };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(table))
                result.AddError("--json and --table exclude each other");
            if (result.GetValue(file) is not null && result.GetValue(texts) is { Length: > 0 })
                result.AddError("--file: the texts are its lines, so none can be given beside it");
        });
        Examples.Add(command,
            ("how alike some sentences are", "lemma embed all-minilm-l6-v2 \"A cat sits.\" \"A kitten lies.\" \"Shares fell.\""),
            ("a vector a line, in the order of the lines", "lemma embed all-minilm-l6-v2 --file sentences.txt --json > vectors.jsonl"),
            ("from another program", "cut -f 2 table.tsv | lemma embed all-minilm-l6-v2 --json --cut"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model),
            parsed.GetValue(texts) is { Length: > 0 } given ? given : TextInput.Lines(parsed.GetValue(file), parsed.GetValue(encoding)),
            parsed.GetValue(json), parsed.GetValue(table), parsed.GetValue(cut), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, string[] texts, bool json, bool table, bool cut, int? threads)
    {
        if (texts.Length == 0)
            throw new UsageException("embed: there is no text");
        if (texts.Length > MostInATable && !json && !table)
            throw new UsageException($"embed: {texts.Length} texts are many for a table: --json writes their vectors, --table the table all the same");
        using EmbeddingModel model = EmbeddingModel.Load(ModelPath.Find(path), threads);
        using Interruption interruption = new();
        float[][] vectors;
        int shortened = 0;
        using (ProgressLine progress = new("texts", texts.Length))
        {
            vectors = cut ? model.EmbedCut(texts, out shortened, progress, interruption.Token) : model.Embed(texts, progress, interruption.Token);
        }
        if (shortened > 0)
            Console.Error.WriteLine($"embed: {shortened} of {texts.Length} texts were cut to {model.MaximumLength} tokens");
        if (!json)
            SimilarityTable.Write(Console.Out, texts, vectors);
        for (int i = 0; i < texts.Length && json; i++)
            Write(texts[i], vectors[i]);
        return CommandLine.Done;
    }

    private static void Write(string text, float[] vector) => JsonLine.Write(json =>
    {
        json.WriteString("text", text);
        json.WriteStartArray("vector");
        foreach (float value in vector)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    });
}
