using System.Globalization;
using System.Text;

namespace Lemma.Cli.Studies;

/// <summary>The page of a study: for the terminal, and as files.</summary>
internal static class StudyPage
{
    private const int PageWidth = 140;

    /// <summary>The page as plain lines.</summary>
    /// <param name="study">The study.</param>
    /// <param name="tables">Its numbers.</param>
    /// <param name="width">Columns of a paragraph.</param>
    /// <param name="asked">What was asked for beside the usual; null for nothing.</param>
    public static IEnumerable<string> Lines(Study study, IReadOnlyList<StudyTable> tables, int width, string? asked = null)
    {
        yield return study.Question;
        yield return "";
        foreach (string line in Wrap(study.Setup, width))
            yield return line;
        foreach (StudyTable table in tables)
        {
            yield return "";
            yield return $"{table.Chart.Title}: {table.Chart.Unit}";
            yield return string.Concat(table.Chart.Columns.Select(column => column.PadLeft(Column(column))));
            foreach (double[] row in table.Rows)
                yield return string.Concat(row.Select((value, i) => StudyTable.Show(value).PadLeft(Column(table.Chart.Columns[i]))));
        }
        foreach ((string title, string text) in Reading(study, asked))
        {
            yield return "";
            yield return title;
            foreach (string line in Wrap(text, width))
                yield return line;
        }
    }

    /// <summary>The page in Markdown and its charts, by file name.</summary>
    /// <param name="study">The study.</param>
    /// <param name="tables">Its numbers.</param>
    /// <param name="asked">What was asked for beside the usual; null for nothing.</param>
    public static IReadOnlyDictionary<string, string> Files(Study study, IReadOnlyList<StudyTable> tables, string? asked = null)
    {
        SortedDictionary<string, string> files = new(StringComparer.Ordinal);
        StringBuilder page = new($"# {study.Question}\n\nComputed by `lemma study {study.Name}{asked}`.\n\n## Set-up\n\n");
        page.AppendJoin('\n', Wrap(study.Setup, PageWidth)).Append('\n');
        for (int i = 0; i < tables.Count; i++)
        {
            StudyChart chart = tables[i].Chart;
            string picture = tables.Count == 1 ? $"{study.Name}.svg" : string.Create(CultureInfo.InvariantCulture, $"{study.Name}-{i + 1}.svg");
            page.Append($"\n## {chart.Title}\n\n![{chart.Title}: {chart.Unit}]({picture})\n\n");
            page.Append("| ").AppendJoin(" | ", chart.Columns).Append(" |\n|").Insert(page.Length, "---|", chart.Columns.Length).Append('\n');
            foreach (double[] row in tables[i].Rows)
                page.Append("| ").AppendJoin(" | ", row.Select(StudyTable.Show)).Append(" |\n");
            files.Add(picture, StudyPicture.Svg(tables[i]));
        }
        foreach ((string title, string text) in Reading(study, asked))
            page.Append($"\n## {title}\n\n").AppendJoin('\n', Wrap(text, PageWidth)).Append('\n');
        files.Add($"{study.Name}.md", page.ToString());
        return files;
    }

    /// <summary>The page that lists all studies.</summary>
    public static string Index()
    {
        StringBuilder page = new("# Studies\n\nQuestions that are answered by computing, each in three minutes at most on two cores. Written by "
            + "`lemma study --out docs/studies`;\na test holds pages and pictures to the tool's studies and to their tables, not the numbers in these.\n\n");
        foreach (Study study in Study.All)
            page.Append($"- [{study.Question}]({study.Name}.md)\n");
        return page.ToString();
    }

    private static (string Title, string Text)[] Reading(Study study, string? asked) =>
    [
        ("What one may conclude", (asked is null ? "" : "(Written for the usual numbers.) ") + study.Conclusion),
        ("What one may not", study.Limits),
    ];

    private static int Column(string name) => Math.Max(9, name.Length + 2);

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
