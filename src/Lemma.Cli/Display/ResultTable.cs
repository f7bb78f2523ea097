using Spectre.Console;
using DrawnText = Spectre.Console.Text;

namespace Lemma.Cli.Display;

/// <summary>Names and values under a title: a drawn table on a terminal, aligned lines elsewhere.</summary>
internal static class ResultTable
{
    public static void Write(string title, IReadOnlyList<(string Name, string Value)> rows)
    {
        if (Terminal.IsInteractive)
            Draw(title, rows);
        else
            WritePlain(Console.Out, title, rows);
    }

    public static void WritePlain(TextWriter output, string title, IReadOnlyList<(string Name, string Value)> rows)
    {
        int width = rows.Max(row => row.Name.Length);
        output.WriteLine();
        output.WriteLine(title);
        foreach ((string name, string value) in rows)
            output.WriteLine($"  {name.PadRight(width)}  {value}");
        output.WriteLine();
    }

    private static void Draw(string title, IReadOnlyList<(string Name, string Value)> rows)
    {
        Table table = new Table { Title = new TableTitle(Markup.Escape(title)), Border = TableBorder.Rounded, ShowHeaders = false };
        table.AddColumn(new TableColumn(""));
        table.AddColumn(new TableColumn(""));
        foreach ((string name, string value) in rows)
            table.AddRow(new DrawnText(name, new Style(Color.Grey)), new DrawnText(value));
        AnsiConsole.Write(table);
    }
}
