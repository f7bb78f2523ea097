using System.Text;

namespace Lemma.Cli.Display;

/// <summary>Streamed text that breaks between words where a terminal's line ends; to a file or pipe it goes as it is.</summary>
/// <remarks>A word is written when it is complete, since only then it is known whether it fits; a letter of a script without spaces is a word.</remarks>
internal sealed class WordWriter(TextWriter output, Func<int>? width)
{
    private readonly StringBuilder spaces = new(), word = new();
    private int column, wordCells;

    /// <summary>To standard output, as wide as the terminal is now.</summary>
    public static WordWriter ForConsole() => new(Console.Out, Terminal.IsInteractive ? static () => Terminal.Width : null);

    public void Write(string piece)
    {
        if (width is null)
        {
            output.Write(piece);
            output.Flush();
            return;
        }
        foreach (Rune rune in piece.EnumerateRunes())
        {
            if (rune.Value == '\n')
            {
                EndWord();
                spaces.Clear();
                output.Write('\n');
                column = 0;
            }
            else if (Rune.IsWhiteSpace(rune))
            {
                EndWord();
                spaces.Append(rune.Value == '\t' ? "    " : " ");
            }
            else
            {
                bool isWide = Cells.IsWide(rune);
                if (isWide)
                    EndWord();
                word.Append(rune.ToString());
                wordCells += Cells.Of(rune);
                if (isWide)
                    EndWord();
            }
        }
        output.Flush();
    }

    /// <summary>Writes what was held back, and ends the line where one is open.</summary>
    public void EndLine()
    {
        EndWord();
        if (column > 0 || width is null)
            output.WriteLine();
        spaces.Clear();
        column = 0;
        output.Flush();
    }

    private void EndWord()
    {
        if (word.Length == 0)
            return;
        int line = width!();
        if (column > 0 && column + spaces.Length + wordCells > line)
        {
            output.Write('\n');
            column = 0;
        }
        else
        {
            output.Write(spaces.ToString());
            column += spaces.Length;
        }
        output.Write(word.ToString());
        // The terminal breaks a word that is longer than its line.
        column = wordCells > line ? (wordCells - 1) % line + 1 : column + wordCells;
        spaces.Clear();
        word.Clear();
        wordCells = 0;
    }
}
