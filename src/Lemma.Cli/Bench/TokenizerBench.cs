using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lemma.Data;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Cli.Bench;

/// <summary>The speed of a tokenizer on pieces of 200 lines, in megabytes of UTF-8 a second, the best of three or more rounds.</summary>
internal static class TokenizerBench
{
    private const int LinesOfPiece = 200, Rounds = 3;
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    public static int Run(string path, string file, int? threads, bool train)
    {
        string text = TextFiles.ReadText(file);
        string[] pieces = [.. text.Split('\n').Chunk(LinesOfPiece).Select(static lines => string.Join('\n', lines))];
        double megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        // The code is compiled to the end before the first line, whose tokenizers have not seen a word.
        Tokenizer tokenizer = Tokenizer.Load(path);
        Stopwatch warming = Stopwatch.StartNew();
        do
            Count(tokenizer, pieces);
        while (warming.Elapsed < Least);
        Line("lemma, one thread, cold words", megabytes, () => Tokenizer.Load(path), fresh => Count(fresh, pieces));
        Line("lemma, one thread", megabytes, () => tokenizer, warm => Count(warm, pieces));
        Line("lemma, batch", megabytes, () => tokenizer,
            warm => warm.EncodeBatch(pieces, addSpecialTokens: false, threads).Sum(static ids => (long)ids.Length));
        if (train)
        {
            foreach (int size in (ReadOnlySpan<int>)[8192, 32768])
                TrainLine($"byte-level BPE to {size}", megabytes, () => BpeTrainer.Train(pieces, new BpeTrainerOptions { VocabularySize = size }));
            foreach (WordPieceScore score in Enum.GetValues<WordPieceScore>())
                TrainLine($"WordPiece by {score.ToString().ToLowerInvariant()} to 8192", megabytes,
                    () => WordPieceTrainer.Train(pieces, new WordPieceTrainerOptions { VocabularySize = 8192, Score = score }));
            TrainLine("Unigram to 8192", megabytes, () => UnigramTrainer.Train(pieces, new UnigramTrainerOptions { VocabularySize = 8192 }));
        }
        return CommandLine.Done;
    }

    private static long Count(Tokenizer tokenizer, string[] pieces) =>
        pieces.Sum(piece => (long)tokenizer.Encode(piece, addSpecialTokens: false).Length);

    /// <summary>The time of the first training, for which code is compiled, and the best of three.</summary>
    private static void TrainLine(string name, double megabytes, Action train)
    {
        double[] seconds = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            train();
            seconds[round] = watch.Elapsed.TotalSeconds;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"lemma, train {name}: {seconds[0]:0.00} s, again {seconds.Min():0.00} s, for {megabytes:0.0} MB"));
    }

    private static void Line(string name, double megabytes, Func<Tokenizer> prepare, Func<Tokenizer, long> encode)
    {
        double best = 0;
        long tokens = 0;
        Stopwatch all = Stopwatch.StartNew();
        for (int round = 0; round < Rounds || all.Elapsed < Least; round++)
        {
            Tokenizer tokenizer = prepare();
            tokenizer.Encode("a");
            Stopwatch watch = Stopwatch.StartNew();
            tokens = encode(tokenizer);
            best = Math.Max(best, megabytes / watch.Elapsed.TotalSeconds);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name + ":",-31} {best:0.00} MB/s, {tokens} tokens"));
    }
}
