using System.CommandLine;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Language;
using Lemma.Language.Exports;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma imatrix</c>: which columns of a model's matrices matter while a text is read, for <c>lemma convert --imatrix</c>.</summary>
internal static class ImportanceCommand
{
    private const int UsualLength = 512;

    public static Command Build()
    {
        Argument<string> model = TextInput.Model();
        Option<string[]> data = new("--data")
        {
            Description = "Files, folders or globs of text",
            HelpName = "FILE|FOLDER|GLOB",
            AllowMultipleArgumentsPerToken = true,
            Required = true,
        };
        Option<string> output = new("--out")
        {
            Description = "The file, a GGUF that llama-quantize reads too",
            HelpName = "FILE",
            DefaultValueFactory = _ => "imatrix.gguf",
        };
        Option<int?> length = Choice.Whole("--length", $"Tokens of a window; {UsualLength} without it, or the model's longest sequence");
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<int?> threads = Choice.Threads();
        Command command = new("imatrix", "Measure which weights matter while a model reads a text.") { model, data, output, length, encoding, threads };
        Examples.Add(command, ("before four bits", "lemma imatrix runs/book --data book.txt --out book.imatrix.gguf"),
            ("and then", "lemma convert runs/book book.gguf --type Q4_K_M --imatrix book.imatrix.gguf"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), parsed.GetRequiredValue(data), parsed.GetRequiredValue(output), parsed.GetValue(length),
            parsed.GetValue(encoding), parsed.GetValue(threads)));
        return command;
    }

    private static int Run(string path, string[] data, string output, int? length, Encoding? encoding, int? threads)
    {
        List<TextDocument> documents = TextFiles.Read(data, encoding);
        using LanguageModel model = EvalCommand.LoadDecoder(path, threads, out Lemma.Models.Decoder decoder);
        int[] ids = [.. documents.SelectMany(document => model.Tokenizer.Encode(document.Text))];
        int window = length ?? Math.Min(UsualLength, decoder.MaximumLength);
        ImportanceMatrix matrix;
        using (ProgressLine progress = new("windows", ids.Length / window))
            matrix = ImportanceMatrix.Collect(decoder, ids, window, model.Workers, progress);
        matrix.Write(output, data);
        ResultTable.Write(output, [("matrices", Amount.Count(matrix.Values.Count)), ("tokens", Amount.Count(ids.Length / window * (double)window))]);
        return CommandLine.Done;
    }
}
