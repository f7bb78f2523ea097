using System.Diagnostics;
using System.Globalization;
using Lemma.Decoding;
using Lemma.Formulas;

namespace Lemma.Cli.Bench;

/// <summary>Times choosing one id of a large vocabulary, on one thread, for usual settings.</summary>
internal static class SamplingBench
{
    private const int Behind = 1000;

    public static int Run(int vocabulary, double spread, double seconds)
    {
        Philox random = new(seed: 0);
        // A few logit vectors in turn, so that no branch learns one by heart. Real ones have most of their ids far below the likeliest: a normal
        // distribution of some nats has that too.
        float[][] logits = [.. Enumerable.Range(0, 8).Select(turn => Enumerable.Range(0, vocabulary)
            .Select(id => (float)(spread * random.Normal((ulong)((long)turn * vocabulary + id)))).ToArray())];
        int[] ids = [.. Enumerable.Range(0, Behind).Select(i => random.Below(vocabulary, (ulong)(10_000_000 + i)))];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"sampling of {vocabulary} ids, logits of a deviation of {spread} nats, {Behind} ids behind, one thread"));
        foreach ((string name, GenerationOptions options) in (ReadOnlySpan<(string, GenerationOptions)>)
        [
            ("the likeliest", GenerationOptions.Greedy),
            ("temperature 0.8", GenerationOptions.Sample(0.8)),
            ("top-k 40", GenerationOptions.Sample(0.8, topK: 40)),
            ("top-p 0.95", GenerationOptions.Sample(0.8, topP: 0.95)),
            ("min-p 0.05", GenerationOptions.Sample(0.8, minP: 0.05)),
            ("typical 0.95", GenerationOptions.Sample(0.8, typical: 0.95)),
            ("penalties", GenerationOptions.Sample(0.8, repetitionPenalty: 1.1, presencePenalty: 0.5, frequencyPenalty: 0.5)),
            ("all of these", GenerationOptions.Sample(0.8, topK: 40, topP: 0.95, minP: 0.05, typical: 0.95, repetitionPenalty: 1.1,
                presencePenalty: 0.5, frequencyPenalty: 0.5, noRepeatNgram: 4)),
        ])
            Show(name, Time(options.Steps, logits, ids, random, seconds));
        return CommandLine.Done;
    }

    private static double Time(IReadOnlyList<LogitStep>? steps, float[][] logits, int[] ids, Philox random, double seconds)
    {
        Candidates candidates = new(logits[0].Length);
        List<double> times = [];
        long start = Stopwatch.GetTimestamp();
        for (int turn = 0; turn < 40 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; turn++)
        {
            long before = Stopwatch.GetTimestamp();
            candidates.Reset(logits[turn % logits.Length]);
            if (steps is null)
            {
                candidates.Largest();
            }
            else
            {
                foreach (LogitStep step in steps)
                    step.Apply(candidates, new DrawContext(ids, 0, turn, random));
                candidates.Draw(random, (ulong)turn);
            }
            times.Add(Stopwatch.GetElapsedTime(before).TotalMicroseconds);
        }
        // The first ones compile.
        return Median.Of(times.Skip(times.Count / 2));
    }

    private static void Show(string name, double microseconds) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{name,-16} {microseconds,8:0} µs  {microseconds / 400,6:0.00} % of a step of 40 ms"));
}
