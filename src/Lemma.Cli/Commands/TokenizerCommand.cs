using System.CommandLine;
using System.Globalization;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Text;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma tokenizer</c>: train a tokenizer, look into one.</summary>
internal static class TokenizerCommand
{
    public static Command Build()
    {
        Command command = new("tokenizer", "Train a tokenizer, or look into one.") { TrainTokenizerCommand.Build(Data()), BuildInspect(), TemplateCommand.Build() };
        Examples.Add(command, ("a vocabulary of 8,192 pieces", "lemma tokenizer train --vocab 8192 --data book.txt --out runs/tokenizer"));
        command.SetAction(parsed => Examples.ShowHelp(parsed, command));
        return command;
    }

    private static Command BuildInspect()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, or a tokenizer's file" };
        Option<string[]> data = Data();
        data.Required = false;
        Option<Encoding?> encoding = Choice.TextEncoding();
        Option<string?> words = TokenizeCommand.Words();
        Command command = new("inspect", "Show a tokenizer's stages, its vocabulary, and how it compresses texts.") { model, data, encoding, words };
        Examples.Add(command, ("bytes a token, file by file", "lemma tokenizer inspect tokenizer.json --data texts"));
        command.SetAction(parsed => Inspect(parsed.GetRequiredValue(model), parsed.GetValue(words), parsed.GetValue(data) ?? [], parsed.GetValue(encoding)));
        return command;
    }

    private static int Inspect(string path, string? words, string[] data, Encoding? encoding)
    {
        Tokenizer tokenizer = TokenizeCommand.Load(path, words);
        static string Name(object? stage) => stage?.GetType().Name ?? "none";
        ResultTable.Write(path,
        [
            ("normalizer", Name(tokenizer.Normalizer)), ("splitter", Name(tokenizer.Splitter)), ("model", Name(tokenizer.Model)),
            ("post-processor", Name(tokenizer.PostProcessor)), ("decoder", Name(tokenizer.Decoder)),
            ("pieces", Amount.Count(tokenizer.Model.Vocabulary.Count)), ("added tokens", Amount.Count(tokenizer.AddedTokens.Count)),
            ("ids", Amount.Count(tokenizer.VocabularySize)),
        ]);
        if (data.Length == 0)
            return CommandLine.Done;
        bool[] used = new bool[tokenizer.VocabularySize];
        List<(string, string)> rows = [];
        foreach (string file in data)
        {
            long bytes = 0, wordCount = 0, tokens = 0;
            foreach (TextDocument document in TextFiles.Read([file], encoding))
            {
                bytes += Encoding.UTF8.GetByteCount(document.Text);
                wordCount += document.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
                foreach (int id in tokenizer.Encode(document.Text, addSpecialTokens: false))
                {
                    used[id] = true;
                    tokens++;
                }
            }
            rows.Add((file, string.Create(CultureInfo.InvariantCulture,
                $"{bytes / (double)Math.Max(1, tokens):0.000} bytes a token, {tokens / (double)Math.Max(1, wordCount):0.000} tokens a word")));
        }
        rows.Add(("unused ids", Amount.Count(used.Count(static one => !one))));
        ResultTable.Write("compression", rows);
        return CommandLine.Done;
    }

    private static Option<string[]> Data() => new("--data")
    {
        Description = "Files, folders or globs of text",
        HelpName = "FILE|FOLDER|GLOB",
        AllowMultipleArgumentsPerToken = true,
        Required = true,
    };
}
