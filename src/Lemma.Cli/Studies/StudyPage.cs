using System.Globalization;
using System.Text;

namespace Lemma.Cli.Studies;

/// <summary>The page of a study: for the terminal, and for docs/formulas.</summary>
internal static class StudyPage
{
    private static readonly string[] Colors = ["#2a62b8", "#e07b39", "#3d8b4f", "#8b5fbf"];

    /// <summary>The page as plain lines.</summary>
    public static IEnumerable<string> Lines(Study study, StudyResult result, int width)
    {
        yield return study.Title;
        yield return "";
        foreach (string line in Wrap(result.Method, width))
            yield return line;
        foreach (StudyTable table in result.Tables)
        {
            yield return "";
            yield return table.Title;
            yield return string.Concat(table.Columns.Select(column => column.PadLeft(Column(column))));
            foreach (double[] row in table.Rows)
                yield return string.Concat(row.Select((value, i) => Show(value).PadLeft(Column(table.Columns[i]))));
        }
        yield return "";
        foreach (string line in Wrap(result.Reading, width))
            yield return line;
    }

    /// <summary>The page in Markdown and its charts, by file name.</summary>
    public static IEnumerable<(string Name, string Text)> Files(Study study)
    {
        StudyResult result = study.Run();
        StringBuilder page = new();
        page.Append(CultureInfo.InvariantCulture, $"# {study.Title}\n\nComputed by `lemma formulas {study.Name}`.\n\n");
        page.AppendJoin('\n', Wrap(result.Method, 140)).Append("\n\n");
        page.AppendJoin('\n', Wrap(result.Reading, 140)).Append('\n');
        int chart = 0;
        foreach (StudyTable table in result.Tables)
        {
            string name = result.Tables.Count == 1 ? $"{study.Name}.svg" : string.Create(CultureInfo.InvariantCulture, $"{study.Name}-{++chart}.svg");
            page.Append(CultureInfo.InvariantCulture, $"\n## {table.Title}\n\n![{table.Title}]({name})\n\n");
            page.Append("| ").AppendJoin(" | ", table.Columns).Append(" |\n|").Insert(page.Length, "---|", table.Columns.Length).Append('\n');
            foreach (double[] row in table.Rows)
                page.Append("| ").AppendJoin(" | ", row.Select(Show)).Append(" |\n");
            yield return (name, Svg(table));
        }
        yield return ($"{study.Name}.md", page.ToString());
    }

    // Lines between 0 and 1 over the first column.
    private static string Svg(StudyTable table)
    {
        StringBuilder svg = new("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 300\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"520\" height=\"300\" fill=\"#ffffff\"/>\n");
        double low = table.Rows[0][0], high = table.Rows[^1][0];
        double Across(double x) => 50 + (x - low) / (high - low) * 320;
        double Down(double y) => 260 - y * 240;
        foreach (double level in new[] { 0, 0.5, 1 })
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"50\" y1=\"{Down(level):0.#}\" x2=\"370\" y2=\"{Down(level):0.#}\" stroke=\"#cccccc\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"44\" y=\"{Down(level) + 4:0.#}\" text-anchor=\"end\" fill=\"#333333\">{level}</text>\n");
        }
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"50\" y=\"278\" text-anchor=\"middle\" fill=\"#333333\">{low}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"370\" y=\"278\" text-anchor=\"middle\" fill=\"#333333\">{high}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"210\" y=\"292\" text-anchor=\"middle\" fill=\"#333333\">{table.Columns[0]}</text>\n");
        for (int i = 0; i < table.Drawn.Length; i++)
        {
            int column = table.Drawn[i];
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{Colors[i]}\" stroke-width=\"2\" points=\"");
            foreach (double[] row in table.Rows)
                svg.Append(CultureInfo.InvariantCulture, $"{Across(row[0]):0.#},{Down(row[column]):0.#} ");
            svg.Append(CultureInfo.InvariantCulture, $"\"/>\n<rect x=\"384\" y=\"{24 + 22 * i}\" width=\"14\" height=\"3\" fill=\"{Colors[i]}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"404\" y=\"{30 + 22 * i}\" fill=\"#333333\">{table.Columns[column]}</text>\n");
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static int Column(string name) => Math.Max(10, name.Length + 2);

    private static string Show(double value) => value == Math.Truncate(value) && Math.Abs(value) > 1
        ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString("0.###", CultureInfo.InvariantCulture);

    private static IEnumerable<string> Wrap(string text, int width)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = "";
            }
            line = line.Length == 0 ? word : $"{line} {word}";
        }
        yield return line;
    }
}
