using System.Globalization;
using System.Text;

namespace Lemma.Cli.Display;

/// <summary>Reads lines from a terminal with editing, history and several lines; a line that ends with a backslash, and pasted ones, go on.</summary>
/// <remarks>Of our own: PrettyPrompt is not in every package source, and RadLine is bound to a Spectre.Console of years ago (docs/log.md).</remarks>
internal sealed class LineEditor(Func<ConsoleKeyInfo> readKey, Func<bool> hasKey, TextWriter output, Func<int> width)
{
    private readonly List<string> history = [];
    private readonly StringBuilder text = new();
    private int caret, caretRow, past;
    private string unfinished = "";

    /// <summary>One on the console.</summary>
    public static LineEditor ForConsole() =>
        new(static () => Console.ReadKey(intercept: true), static () => Console.KeyAvailable, Console.Out, static () => Terminal.Width);

    /// <summary>The next line or lines; null at the end (Ctrl-D on an empty line).</summary>
    public string? Read(string prompt)
    {
        text.Clear();
        (caret, caretRow, past, unfinished) = (0, 0, history.Count, "");
        Draw(prompt);
        while (true)
        {
            ConsoleKeyInfo key = readKey();
            bool control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            if (key.Key == ConsoleKey.D && control && text.Length == 0)
            {
                output.WriteLine();
                return null;
            }
            if (key.Key == ConsoleKey.Enter && !GoesOn(key))
            {
                caret = text.Length;
                Draw(prompt);
                output.WriteLine();
                string line = text.ToString();
                if (line.Length > 0 && (history.Count == 0 || history[^1] != line))
                    history.Add(line);
                return line;
            }
            Apply(key, control);
            // Between the halves of a pair there is no letter to draw; in a paste only the end is drawn.
            if (!(text.Length > 0 && char.IsHighSurrogate(text[^1])) && !hasKey())
                Draw(prompt);
        }
    }

    // Whether Enter begins a further line: behind a backslash, with Alt, and in a paste, where the next key is there already.
    private bool GoesOn(ConsoleKeyInfo key)
    {
        if (caret == text.Length && caret > 0 && text[^1] == '\\')
        {
            text.Length--;
            caret--;
        }
        else if (!key.Modifiers.HasFlag(ConsoleModifiers.Alt) && !hasKey())
        {
            return false;
        }
        return true;
    }

    private void Apply(ConsoleKeyInfo key, bool control)
    {
        switch (key.Key)
        {
            case ConsoleKey.Enter:
                Insert('\n');
                break;
            case ConsoleKey.LeftArrow:
                caret = control ? WordBefore() : caret - Before();
                break;
            case ConsoleKey.RightArrow:
                caret = control ? WordBehind() : caret + Behind();
                break;
            case ConsoleKey.Home or ConsoleKey.A when key.Key == ConsoleKey.Home || control:
                caret = 0;
                break;
            case ConsoleKey.End or ConsoleKey.E when key.Key == ConsoleKey.End || control:
                caret = text.Length;
                break;
            case ConsoleKey.UpArrow:
                Recall(past - 1);
                break;
            case ConsoleKey.DownArrow:
                Recall(past + 1);
                break;
            case ConsoleKey.Backspace:
                Remove(caret - (control ? caret - WordBefore() : Before()), caret);
                break;
            case ConsoleKey.Delete or ConsoleKey.D when key.Key == ConsoleKey.Delete || control:
                Remove(caret, caret + Behind());
                break;
            case ConsoleKey.W when control:
                Remove(WordBefore(), caret);
                break;
            case ConsoleKey.U when control:
                Remove(0, caret);
                break;
            case ConsoleKey.K when control:
                Remove(caret, text.Length);
                break;
            case ConsoleKey.L when control:
                output.Write("\e[2J\e[H");
                caretRow = 0;
                break;
            case ConsoleKey.Escape:
                Remove(0, text.Length);
                break;
            default:
                if (key.KeyChar == '\t' || !char.IsControl(key.KeyChar))
                    Insert(key.KeyChar);
                break;
        }
    }

    private void Insert(char letter) => text.Insert(caret++, letter);

    private void Remove(int from, int to)
    {
        text.Remove(from, to - from);
        caret = from;
    }

    private void Recall(int place)
    {
        if (place < 0 || place > history.Count)
            return;
        if (past == history.Count)
            unfinished = text.ToString();
        past = place;
        text.Clear().Append(place == history.Count ? unfinished : history[place]);
        caret = text.Length;
    }

    // Letters of two halves are passed whole.
    private int Before() => caret == 0 ? 0 : caret > 1 && char.IsLowSurrogate(text[caret - 1]) ? 2 : 1;

    private int Behind() => caret == text.Length ? 0 : caret + 1 < text.Length && char.IsHighSurrogate(text[caret]) ? 2 : 1;

    private int WordBefore()
    {
        int place = caret;
        while (place > 0 && char.IsWhiteSpace(text[place - 1]))
            place--;
        while (place > 0 && !char.IsWhiteSpace(text[place - 1]))
            place--;
        return place;
    }

    private int WordBehind()
    {
        int place = caret;
        while (place < text.Length && char.IsWhiteSpace(text[place]))
            place++;
        while (place < text.Length && !char.IsWhiteSpace(text[place]))
            place++;
        return place;
    }

    // From the first row of the prompt down, with a break of our own at the edge, so that the place of the caret is known.
    private void Draw(string prompt)
    {
        int line = Math.Max(2, width()), row = 0, column = 0, atRow = 0, atColumn = 0;
        StringBuilder drawn = new(caretRow > 0 ? string.Create(CultureInfo.InvariantCulture, $"\r\e[{caretRow}A\e[J") : "\r\e[J");
        void Break()
        {
            drawn.Append("\r\n");
            (row, column) = (row + 1, 0);
        }
        void Put(Rune rune)
        {
            if (column + Cells.Of(rune) > line)
                Break();
            drawn.Append(rune.Value == '\t' ? " " : rune.ToString());
            column += rune.Value == '\t' ? 1 : Cells.Of(rune);
        }
        foreach (Rune rune in prompt.EnumerateRunes())
            Put(rune);
        int place = 0;
        foreach (Rune rune in text.ToString().EnumerateRunes())
        {
            if (place == caret)
                (atRow, atColumn) = (row, column);
            if (rune.Value == '\n')
                Break();
            else
                Put(rune);
            place += rune.Utf16SequenceLength;
        }
        if (place == caret)
            (atRow, atColumn) = (row, column);
        if (row > atRow)
            drawn.Append(CultureInfo.InvariantCulture, $"\e[{row - atRow}A");
        drawn.Append(atColumn == 0 ? "\r" : string.Create(CultureInfo.InvariantCulture, $"\r\e[{Math.Min(atColumn, line - 1)}C"));
        caretRow = atRow;
        output.Write(drawn.ToString());
        output.Flush();
    }
}
