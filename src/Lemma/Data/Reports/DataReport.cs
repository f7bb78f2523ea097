using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Lemma.Data;

/// <summary>What became of data: how much was read, what was left out and why, and how long what stays is.</summary>
/// <remarks>Readers and encoders fill it while they run. One thread at a time.</remarks>
public sealed class DataReport
{
    private readonly SortedDictionary<DropReason, (long Count, string First)> dropped = [];
    private readonly List<int> lengths = [];
    private long read;

    /// <summary>How many examples were read: as many as readers counted, but no fewer than were encoded and left out.</summary>
    public long Read => Math.Max(read, Encoded + Dropped);

    /// <summary>How many of them were left out.</summary>
    public long Dropped => dropped.Values.Sum(one => one.Count);

    /// <summary>How many of them stay.</summary>
    public long Kept => Read - Dropped;

    /// <summary>How many were encoded.</summary>
    public int Encoded => lengths.Count;

    /// <summary>How many were cut at the end.</summary>
    public long Cut { get; private set; }

    /// <summary>How many whole ones have no id that ends a text among what is predicted, so that a model learns from them to write on.</summary>
    public long Endless { get; private set; }

    /// <summary>The tokens of those that were encoded.</summary>
    public long Tokens { get; private set; }

    /// <summary>How many of the tokens are to be predicted.</summary>
    public long Counted { get; private set; }

    /// <summary>How many were left out for each reason, and the source of the first of them.</summary>
    public IReadOnlyDictionary<DropReason, (long Count, string First)> Reasons => dropped;

    /// <summary>The fewest tokens of an example; 0 where none was encoded.</summary>
    public int Least => lengths.Count == 0 ? 0 : lengths.Min();

    /// <summary>The most tokens of an example; 0 where none was encoded.</summary>
    public int Most => lengths.Count == 0 ? 0 : lengths.Max();

    /// <summary>The tokens of the example in the middle, the lower one of two; 0 where none was encoded.</summary>
    public int Median => lengths.Count == 0 ? 0 : lengths.Order().ElementAt((lengths.Count - 1) / 2);

    /// <summary>How many examples have at most so many tokens and more than the number before: powers of two, from the least that occurs to the most.</summary>
    public IReadOnlyList<(int Length, int Count)> Histogram
    {
        get
        {
            Dictionary<int, int> counts = lengths.GroupBy(Bin).ToDictionary(bin => bin.Key, bin => bin.Count());
            return lengths.Count == 0 ? [] : [.. Enumerable.Range(counts.Keys.Min(), counts.Keys.Max() - counts.Keys.Min() + 1)
                .Select(bin => (1 << bin, counts.GetValueOrDefault(bin)))];
        }
    }

    /// <summary>What was read and left out, in one sentence without a stop.</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture, $"{Read} read, {Kept} kept")
        + string.Concat(dropped.Select(one => string.Create(CultureInfo.InvariantCulture, $", {one.Value.Count} {Name(one.Key)}")));

    /// <summary>Counts an example that was read.</summary>
    public void CountRead() => read++;

    /// <summary>Counts an example that was read and is left out.</summary>
    public void CountDropped(DropReason reason, string source)
    {
        dropped.TryGetValue(reason, out (long Count, string First) before);
        dropped[reason] = (before.Count + 1, before.First ?? source);
    }

    /// <summary>Counts an example that was encoded.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="counted">How many of them are to be predicted.</param>
    /// <param name="isCut">Whether it was cut at the end.</param>
    /// <param name="isEndless">Whether it is whole and nothing that is predicted ends a text.</param>
    public void CountEncoded(int tokens, int counted, bool isCut, bool isEndless = false)
    {
        lengths.Add(tokens);
        Endless += isEndless ? 1 : 0;
        (Tokens, Counted, Cut) = (Tokens + tokens, Counted + counted, Cut + (isCut ? 1 : 0));
    }

    /// <summary>The report as lines of text.</summary>
    public IReadOnlyList<string> Lines()
    {
        static string Line(FormattableString line) => FormattableString.Invariant(line);
        List<string> lines = [Line($"{Read:N0} examples read, {Kept:N0} kept")];
        foreach ((DropReason reason, (long count, string first)) in dropped)
            lines.Add(Line($"  {count:N0} left out: {Name(reason)} (the first: {first})"));
        if (Encoded == 0)
            return lines;
        lines.Add(Line($"{Tokens:N0} tokens, {Counted:N0} of them predicted; {Cut:N0} examples cut"));
        if (Endless > 0)
            lines.Add(Line($"{Endless:N0} examples do not end with an id that ends a text, so the model learns to write on: has the chat template an eos_token?"));
        lines.Add(Line($"tokens of an example: {Least:N0} at least, {Median:N0} in the middle, {Most:N0} at most"));
        int widest = Histogram.Max(bin => bin.Count);
        foreach ((int length, int count) in Histogram)
            lines.Add(Line($"  up to {length,9:N0} {count,9:N0} {new string('#', (int)Math.Ceiling(40.0 * count / widest))}").TrimEnd());
        return lines;
    }

    /// <summary>The report as one object of JSON.</summary>
    public string ToJson()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            foreach ((string name, long value) in (ReadOnlySpan<(string, long)>)[("read", Read), ("kept", Kept), ("encoded", Encoded), ("cut", Cut),
                ("endless", Endless), ("tokens", Tokens), ("counted", Counted), ("least", Least), ("median", Median), ("most", Most)])
                writer.WriteNumber(name, value);
            writer.WriteStartObject("dropped");
            foreach ((DropReason reason, (long count, string first)) in dropped)
            {
                writer.WriteStartObject(Name(reason));
                writer.WriteNumber("count", count);
                writer.WriteString("first", first);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
            writer.WriteStartArray("histogram");
            foreach ((int length, int count) in Histogram)
            {
                writer.WriteStartObject();
                writer.WriteNumber("length", length);
                writer.WriteNumber("count", count);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    // The smallest power of two that is not below a length.
    private static int Bin(int length) => length <= 1 ? 0 : 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)(length - 1));

    private static string Name(DropReason reason) => reason switch
    {
        DropReason.EmptyText => "empty text",
        DropReason.EmptyPrompt => "empty prompt",
        DropReason.NoAnswer => "no turn of the assistant",
        DropReason.EmptyAnswer => "empty answer",
        DropReason.SameAnswers => "chosen and rejected are the same",
        DropReason.Duplicate => "duplicate",
        DropReason.TooLong => "too long",
        DropReason.LowScore => "score below 1",
        DropReason.NothingCounts => "nothing to predict",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
