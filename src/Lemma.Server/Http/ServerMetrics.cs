using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Lemma.Decoding;
using Microsoft.AspNetCore.Http;

namespace Lemma.Server.Http;

/// <summary>What a server has done, in the text format of Prometheus.</summary>
internal sealed class ServerMetrics
{
    private readonly ConcurrentDictionary<(string Path, int Status), long> requests = [];
    private readonly Histogram firstText = new(), whole = new();

    /// <summary>Counts a reply; a connection lasts as long as its client likes, so it counts without its time.</summary>
    public void Replied(string path, int status, TimeSpan time)
    {
        requests.AddOrUpdate((path, status), 1, static (_, count) => count + 1);
        if (status != StatusCodes.Status101SwitchingProtocols)
            whole.Add(time.TotalSeconds);
    }

    /// <summary>Counts the time up to the first piece of a text.</summary>
    public void Began(TimeSpan time) => firstText.Add(time.TotalSeconds);

    /// <summary>All of it.</summary>
    public string Write(IEnumerable<ServedEngine> engines)
    {
        StringBuilder text = new();
        Head("lemma_requests_total", "counter", "Replies by path and status");
        foreach (((string path, int status), long count) in requests.OrderBy(one => one.Key.Path, StringComparer.Ordinal).ThenBy(one => one.Key.Status))
            Line($"lemma_requests_total{{path=\"{path}\",status=\"{status}\"}} {count}");
        firstText.Write("lemma_time_to_first_token_seconds", "From a request to the first piece of its text", Head, Line);
        whole.Write("lemma_request_seconds", "From a request to the end of its reply", Head, Line);
        (string Name, BatcherCounts Counts)[] models =
            [.. engines.Where(engine => engine.Writer is not null).Select(engine => (engine.Name, engine.Writer!.Counts))];
        foreach ((string name, string kind, string what, Func<BatcherCounts, long> value) in Values)
        {
            Head(name, kind, what);
            foreach ((string model, BatcherCounts counts) in models)
                Line($"{name}{{model=\"{Escaped(model)}\"}} {value(counts)}");
        }
        return text.ToString();

        void Head(string name, string kind, string what) => text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {what}\n# TYPE {name} {kind}\n");

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static readonly (string, string, string, Func<BatcherCounts, long>)[] Values =
    [
        ("lemma_requests_running", "gauge", "Requests that run", static counts => counts.Running),
        ("lemma_requests_waiting", "gauge", "Requests that wait", static counts => counts.Waiting),
        ("lemma_sequences", "gauge", "Texts that hold a state", static counts => counts.Sequences),
        ("lemma_prefixes", "gauge", "States that are kept for their prefixes", static counts => counts.Prefixes),
        ("lemma_state_bytes", "gauge", "Bytes of all states", static counts => counts.StateBytes),
        ("lemma_passes_total", "counter", "Passes of the model", static counts => counts.Passes),
        ("lemma_tokens_read_total", "counter", "Rows that passes read", static counts => counts.Read),
        ("lemma_tokens_made_total", "counter", "Tokens that were made", static counts => counts.Made),
        ("lemma_tokens_cached_total", "counter", "Tokens of prompts that were not read again", static counts => counts.Cached),
        ("lemma_preemptions_total", "counter", "States that were dropped for others and are read again", static counts => counts.Preempted),
    ];

    private static string Escaped(string label) => label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed class Histogram
    {
        private static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
        private readonly object gate = new();
        private readonly long[] counts = new long[Bounds.Length + 1];
        private double sum;

        public void Add(double seconds)
        {
            int place = 0;
            while (place < Bounds.Length && seconds > Bounds[place])
                place++;
            lock (gate)
            {
                counts[place]++;
                sum += seconds;
            }
        }

        public void Write(string name, string what, Action<string, string, string> head, Action<FormattableString> line)
        {
            head(name, "histogram", what);
            lock (gate)
            {
                long total = 0;
                for (int i = 0; i < Bounds.Length; i++)
                    line($"{name}_bucket{{le=\"{Bounds[i]}\"}} {total += counts[i]}");
                line($"{name}_bucket{{le=\"+Inf\"}} {total += counts[^1]}");
                line($"{name}_sum {sum}");
                line($"{name}_count {total}");
            }
        }
    }
}
