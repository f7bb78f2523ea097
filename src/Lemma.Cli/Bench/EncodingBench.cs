using System.Diagnostics;
using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Bench;

/// <summary>Times an encoder on random sentences of 8 to 128 tokens: rows without padding, pooled by their mean.</summary>
internal static class EncodingBench
{
    private const int Sentences = 256, Together = 32;

    public static int Run(string folder, double seconds, int? threads, bool inRows)
    {
        using Workers workers = new(threads);
        using Model model = ModelFolder.Read(folder);
        Encoder encoder = model as Encoder ?? throw new ArgumentException($"bench: the model in '{folder}' is no encoder");
        if (!inRows)
            model.Parameters.Pack(workers);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        // The lengths and ids that bench/peers/encoder_onnx.py takes.
        int[][] sentences = [.. Enumerable.Range(0, Sentences).Select(i =>
            Enumerable.Range(0, 8 + i * 37 % 121).Select(j => 1000 + (i * 131 + j * 17) % 20000).ToArray())];
        foreach (int batch in (int[])[1, Together])
        {
            List<double> rates = [];
            long start = Stopwatch.GetTimestamp();
            while (rates.Count < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
            {
                long before = Stopwatch.GetTimestamp();
                for (int first = 0; first < Sentences; first += batch)
                {
                    int[][] some = sentences[first..(first + batch)];
                    Rows rows = new(some.SelectMany(ids => ids).ToArray(), some.Select(ids => ids.Length).ToArray());
                    tape.MeanOfRows(encoder.Hidden(tape, rows), rows.Lengths);
                    tape.Rewind();
                }
                rates.Add(Sentences / Stopwatch.GetElapsedTime(before).TotalSeconds);
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"encode batch {batch,2}: {Median.Of(rates):0.0} sentences/s, threads {workers.Count}"));
        }
        return CommandLine.Done;
    }
}
