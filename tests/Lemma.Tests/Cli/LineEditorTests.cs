using System.Text;
using Lemma.Cli.Display;

namespace Lemma.Tests.Cli;

/// <summary>Keys in, lines and a screen out.</summary>
public class LineEditorTests
{
    private const string Left = "\u0001L", Right = "\u0001R", Home = "\u0001H", Up = "\u0001U", Down = "\u0001D", Back = "\u0001B", Delete = "\u0001X";

    [Theory]
    [InlineData("hello\r", "hello")]
    [InlineData("hllo" + Left + Left + Left + "e\r", "hello")]
    [InlineData("helloo" + Back + "\r", "hello")]
    [InlineData("xhello" + Home + Delete + "\r", "hello")]
    [InlineData("ab" + Left + Left + Left + Right + Right + Right + "c\r", "abc")]
    [InlineData("a😀b" + Left + Left + Back + "\r", "😀b")]
    [InlineData("a😀b" + Left + Back + "\r", "ab")]
    [InlineData("one two" + "\u0001W" + "three\r", "one three")]
    [InlineData("one two" + "\u0001u" + "three\r", "three")]
    [InlineData("one two" + Home + "\u0001k" + "three\r", "three")]
    [InlineData("one\\\rtwo\r", "one\ntwo")]
    [InlineData("one\u0001Ntwo\r", "one\ntwo")]
    [InlineData("\u0001E\r", "")]
    public void ALineIsEdited(string keys, string expected) => Assert.Equal([expected], Read(keys, out _));

    [Fact]
    public void LinesComeBackFromTheHistory()
    {
        Assert.Equal(["one", "two", "one", "two", "three"],
            Read($"one\rtwo\r{Up}{Up}\r{Up}{Up}\rthr{Up}{Down}ee\r", out _));
        Assert.Equal(["same", "same", "first"], Read($"first\rsame\rsame\r{Up}{Up}\r", out _)[1..]);
    }

    [Fact]
    public void TheEndIsTheEnd()
    {
        Queue<ConsoleKeyInfo> keys = new(Keys("\u0001d"));
        Assert.Null(new LineEditor(keys.Dequeue, () => false, new StringWriter(), () => 80).Read("> "));
    }

    [Fact]
    public void APasteOfSeveralLinesIsOneText()
    {
        Queue<ConsoleKeyInfo> keys = new(Keys("one\rtwo\rthree\r"));
        LineEditor editor = new(keys.Dequeue, () => keys.Count > 0, new StringWriter(), () => 80);
        Assert.Equal("one\ntwo\nthree", editor.Read("> "));
    }

    [Theory]
    [InlineData("0123456789abcdef" + Left + Left + Left + Left + Left + Left + Left + Left, 10, "> 01234567|89abcdef")]
    [InlineData("01234567", 10, "> 01234567")]
    [InlineData("你好你好你", 9, "> 你好你|好你")]
    [InlineData("one\u0001Ntwo" + Back, 20, "> one|tw")]
    [InlineData("0123456789abcdefghij" + "\u0001u" + "xy", 10, "> xy")]
    public void TheScreenShowsTheLine(string keys, int width, string expected)
    {
        Read(keys + "\r", out string drawn, width);
        Assert.Equal(expected.Split('|'), new Screen(width).Play(drawn));
    }

    private static string[] Read(string typed, out string drawn, int width = 40)
    {
        Queue<ConsoleKeyInfo> keys = new(Keys(typed));
        using StringWriter output = new();
        LineEditor editor = new(keys.Dequeue, () => false, output, () => width);
        List<string> lines = [];
        while (keys.Count > 0)
            lines.Add(editor.Read("> ")!);
        drawn = output.ToString();
        return [.. lines];
    }

    private static IEnumerable<ConsoleKeyInfo> Keys(string typed)
    {
        for (int i = 0; i < typed.Length; i++)
        {
            yield return typed[i] switch
            {
                '\r' => new('\r', ConsoleKey.Enter, false, false, false),
                '\u0001' => typed[++i] switch
                {
                    'L' => new('\0', ConsoleKey.LeftArrow, false, false, false),
                    'R' => new('\0', ConsoleKey.RightArrow, false, false, false),
                    'H' => new('\0', ConsoleKey.Home, false, false, false),
                    'U' => new('\0', ConsoleKey.UpArrow, false, false, false),
                    'D' => new('\0', ConsoleKey.DownArrow, false, false, false),
                    'B' => new('\b', ConsoleKey.Backspace, false, false, false),
                    'X' => new('\0', ConsoleKey.Delete, false, false, false),
                    'E' => new('\e', ConsoleKey.Escape, false, false, false),
                    'N' => new('\r', ConsoleKey.Enter, false, true, false),
                    'W' => new('\u0017', ConsoleKey.W, false, false, true),
                    'u' => new('\u0015', ConsoleKey.U, false, false, true),
                    'k' => new('\u000B', ConsoleKey.K, false, false, true),
                    'd' => new('\u0004', ConsoleKey.D, false, false, true),
                    char other => throw new ArgumentException($"no key {other}"),
                },
                char letter => new(letter, ConsoleKey.NoName, false, false, false),
            };
        }
    }

    // As much of a terminal as the editor uses.
    private sealed class Screen(int width)
    {
        private readonly List<StringBuilder> rows = [new()];
        private int row, column;

        public string[] Play(string drawn)
        {
            for (int i = 0; i < drawn.Length;)
            {
                if (drawn[i] == '\e')
                {
                    int end = i + 2;
                    while (char.IsDigit(drawn[end]))
                        end++;
                    int count = end == i + 2 ? 0 : int.Parse(drawn.AsSpan(i + 2, end - i - 2), System.Globalization.CultureInfo.InvariantCulture);
                    Move(drawn[end], count);
                    i = end + 1;
                    continue;
                }
                Rune rune = Rune.GetRuneAt(drawn, i);
                i += rune.Utf16SequenceLength;
                if (rune.Value == '\r')
                    column = 0;
                else if (rune.Value == '\n')
                    NextRow();
                else
                    Put(rune);
            }
            return [.. rows.Select(text => text.ToString().Replace("\0", "", StringComparison.Ordinal).TrimEnd()).Reverse().SkipWhile(text => text.Length == 0).Reverse()];
        }

        private void Put(Rune rune)
        {
            Assert.True(column + Cells.Of(rune) <= width, "a row is too long");
            StringBuilder text = rows[row];
            // A cell a char; the second half of a wide letter is left empty.
            while (text.Length < column + 2)
                text.Append(' ');
            text[column] = rune.Utf16SequenceLength == 1 ? (char)rune.Value : '?';
            if (Cells.Of(rune) == 2)
                text[column + 1] = '\0';
            column += Cells.Of(rune);
        }

        private void NextRow()
        {
            row++;
            if (row == rows.Count)
                rows.Add(new StringBuilder());
        }

        private void Move(char what, int count)
        {
            switch (what)
            {
                case 'A':
                    row -= count;
                    Assert.True(row >= 0, "above the screen");
                    break;
                case 'C':
                    column += count;
                    break;
                case 'J':
                    rows[row].Length = Math.Min(rows[row].Length, column);
                    rows.RemoveRange(row + 1, rows.Count - row - 1);
                    break;
                default:
                    throw new ArgumentException($"no escape {what}");
            }
        }
    }
}
