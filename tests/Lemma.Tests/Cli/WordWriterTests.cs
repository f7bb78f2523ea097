using Lemma.Cli.Display;

namespace Lemma.Tests.Cli;

/// <summary>Streamed text breaks between words, whatever its pieces are.</summary>
public class WordWriterTests
{
    [Theory]
    [InlineData("one two three four", 9, "one two\nthree\nfour\n")]
    [InlineData("one two three four", 13, "one two three\nfour\n")]
    [InlineData("one  two\n\n  three", 40, "one  two\n\n  three\n")]
    [InlineData("abcdefghij kl", 5, "abcdefghij\nkl\n")]
    [InlineData("a 你好你好", 6, "a 你好\n你好\n")]
    [InlineData("trailing   \nspaces ", 40, "trailing\nspaces\n")]
    [InlineData("", 40, "")]
    public void LinesBreakBetweenWords(string text, int width, string expected)
    {
        foreach (int step in (int[])[1, 2, 3, 100])
        {
            using StringWriter output = new() { NewLine = "\n" };
            WordWriter writer = new(output, () => width);
            // Pieces of whole letters, as a streaming decoder gives them.
            for (int i = 0; i < text.Length; i += step)
                writer.Write(text.Substring(i, Math.Min(step, text.Length - i)));
            writer.EndLine();
            Assert.Equal(expected, output.ToString());
        }
    }

    [Fact]
    public void AFileGetsTheTextAsItIs()
    {
        using StringWriter output = new() { NewLine = "\n" };
        WordWriter writer = new(output, null);
        writer.Write("one  two ");
        writer.Write("\tthree");
        writer.EndLine();
        Assert.Equal("one  two \tthree\n", output.ToString());
    }
}
