using System.Text;
using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Evaluation.Tasks;
using Lemma.Language;
using Lemma.Sequences;

namespace Lemma.Cli.Tasks;

/// <summary>Two models on the pieces of the same texts.</summary>
internal static class TextComparison
{
    public static int Run(string[] paths, string[] data, int? length, int? stride, Encoding? encoding, ulong seed, bool json, int? threads,
        CacheFormat? cacheFormat)
    {
        IReadOnlyList<string> pieces = TextScore.Pieces(TextFiles.Read(data, encoding).Select(document => document.Text));
        if (pieces.Count < 2)
            throw new InvalidDataException($"to compare two models at least 2 pieces of {TextScore.PieceLength} characters are needed, which end with a line, "
                + $"but there are {pieces.Count}");
        using Interruption interruption = new();
        TaskScore[] scores = [.. paths.Select(path => Judge(path, pieces, length, stride, threads, cacheFormat, interruption.Token))];
        PairedDifference difference = PairedBootstrap.Compare(scores[0], scores[1], seed, cancellation: interruption.Token);
        string name = string.Join(", ", data);
        if (json)
            TaskJson.Write(paths, name, pieces.Count, [difference]);
        else
            ScoreTable.Write(paths, name, [difference], [("pieces", Amount.Count(pieces.Count))]);
        return CommandLine.Done;
    }

    private static TaskScore Judge(string path, IReadOnlyList<string> pieces, int? length, int? stride, int? threads, CacheFormat? cacheFormat,
        CancellationToken cancellation)
    {
        using LanguageModel model = EvalCommand.LoadDecoder(path, threads, out Lemma.Models.Decoder decoder, cacheFormat);
        using ShareLine line = new("of the pieces");
        int window = length ?? decoder.MaximumLength;
        return TextScore.Evaluate(decoder, model.Tokenizer, model.Workers, pieces, window, stride ?? Math.Max(1, window / 2), line, cancellation);
    }
}
