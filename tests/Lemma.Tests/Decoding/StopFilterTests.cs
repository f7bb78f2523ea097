using System.Text;
using Lemma.Decoding;
using Lemma.Formulas;

namespace Lemma.Tests.Decoding;

/// <summary>A filtered stream is the whole text cut at its first stop, whatever the pieces.</summary>
public class StopFilterTests
{
    [Fact]
    public void ARandomStreamIsTheCutText()
    {
        int stopped = 0;
        for (ulong number = 0; number < 10_000; number++)
        {
            Philox random = new(number);
            ulong at = 0;
            // Few letters, so that stops come often and begin inside each other.
            string letters = number % 3 == 0 ? "ab" : "abc\n";
            string Word(int longest) => string.Concat(Enumerable.Range(0, 1 + random.Below(longest, at++)).Select(_ => letters[random.Below(letters.Length, at++)]));
            string[] stops = [.. Enumerable.Range(0, random.Below(4, at++)).Select(_ => Word(5))];
            string text = Word(40);
            (string expected, string? stop) = Cut(text, stops);

            StopFilter filter = new(stops);
            StringBuilder streamed = new();
            for (int i = 0; i < text.Length;)
            {
                int length = Math.Min(random.Below(5, at++), text.Length - i);
                streamed.Append(filter.Append(text.Substring(i, length)));
                i += length;
                Assert.StartsWith(streamed.ToString(), expected, StringComparison.Ordinal);
                // What is held back could all begin a stop.
                string told = text[..i];
                if (filter.Stop is null)
                    Assert.True(stops.Any(one => one.StartsWith(told[streamed.Length..], StringComparison.Ordinal)) || streamed.Length == i);
            }
            streamed.Append(filter.Finish());
            Assert.Equal(expected, streamed.ToString());
            Assert.Equal(stop, filter.Stop);
            stopped += stop is null ? 0 : 1;
        }
        Assert.InRange(stopped, 2000, 9000);
    }

    // The stop that ends first, the longest of those that end there.
    private static (string Text, string? Stop) Cut(string text, string[] stops)
    {
        for (int end = 0; end <= text.Length; end++)
        {
            string? stop = stops.Where(one => text[..end].EndsWith(one, StringComparison.Ordinal)).MaxBy(one => one.Length);
            if (stop is not null)
                return (text[..(end - stop.Length)], stop);
        }
        return (text, null);
    }

    [Fact]
    public void NothingOfAStopIsLetThroughAndAllElseAtOnce()
    {
        StopFilter filter = new(["</answer>", "\n\n"]);
        Assert.Equal("x = 1 ", filter.Append("x = 1 </an"));
        Assert.Equal("</ant>", filter.Append("t>"));
        Assert.Equal("", filter.Append("\n"));
        Assert.Equal("\ny", filter.Append("y"));
        Assert.Equal("z", filter.Append("z</answ"));
        Assert.Equal("", filter.Append("er> and more"));
        Assert.Equal("</answer>", filter.Stop);
        Assert.Equal("", filter.Append("still more") + filter.Finish());
    }

    [Fact]
    public void WithoutStopsAllComesAtOnceAndAnEmptyStopIsRefused()
    {
        StopFilter filter = new([]);
        Assert.Equal("any", filter.Append("any"));
        Assert.Null(filter.Stop);
        Assert.Contains("stop: a text to stop at must not be empty, but one of 2 is", Assert.Throws<ArgumentException>(() => new StopFilter(["a", ""])).Message,
            StringComparison.Ordinal);
    }
}
