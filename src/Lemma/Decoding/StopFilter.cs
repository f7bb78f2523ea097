using System.Text;

namespace Lemma.Decoding;

/// <summary>Pieces of a text in, the text up to the first stop out, whatever the borders of the pieces.</summary>
/// <remarks>
/// The first stop is the one that is complete first; of those that end at the same place it is the longest, and the text is cut where it begins. Only what may
/// still begin a stop is held back, so nothing of a stop is ever let through.
/// </remarks>
public sealed class StopFilter
{
    private readonly string[] stops;
    private readonly StringBuilder held = new();

    /// <summary>A filter for texts, none of them empty; without any it lets everything through.</summary>
    public StopFilter(IEnumerable<string> stops)
    {
        this.stops = [.. stops.Distinct(StringComparer.Ordinal).OrderByDescending(stop => stop.Length)];
        Require.That(this.stops.Length == 0 || this.stops[^1].Length > 0, $"stop: a text to stop at must not be empty, but one of {this.stops.Length} is");
    }

    /// <summary>The stop that came; null before.</summary>
    public string? Stop { get; private set; }

    /// <summary>What is certain to come before any stop after one more piece; nothing once a stop came.</summary>
    public string Append(string piece)
    {
        if (Stop is not null || piece.Length == 0)
            return "";
        // What was held back has no stop in it, so one can only end inside the piece.
        int before = held.Length;
        string text = held.Append(piece).ToString();
        held.Clear();
        for (int end = before + 1; end <= text.Length; end++)
        {
            foreach (string stop in stops)
            {
                if (text.AsSpan(0, end).EndsWith(stop, StringComparison.Ordinal))
                {
                    Stop = stop;
                    return text[..(end - stop.Length)];
                }
            }
        }
        int certain = text.Length - Beginning(text);
        held.Append(text, certain, text.Length - certain);
        return text[..certain];
    }

    /// <summary>What was held back, when the text ends without a stop.</summary>
    public string Finish()
    {
        string rest = held.ToString();
        held.Clear();
        return rest;
    }

    // The length of the longest end of the text that begins a stop.
    private int Beginning(string text)
    {
        int longest = 0;
        foreach (string stop in stops)
        {
            int length = Math.Min(stop.Length - 1, text.Length);
            while (length > longest && !text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                length--;
            longest = Math.Max(longest, length);
        }
        return longest;
    }
}
