using System.Globalization;

namespace Lemma.Cli.Studies;

/// <summary>What a table and its chart show: the first column is the axis, the columns that are drawn are lines.</summary>
/// <param name="Title">What the numbers are.</param>
/// <param name="Unit">What the axis of the lines counts.</param>
/// <param name="Columns">Names of the columns, the axis first; one named ± has the standard errors of the column before it.</param>
/// <param name="Drawn">The columns that are drawn.</param>
internal sealed record StudyChart(string Title, string Unit, string[] Columns, int[] Drawn)
{
    /// <summary>Whether the axis of the lines goes from 0 to 1; else it follows the numbers.</summary>
    public bool IsShare { get; init; }

    /// <summary>Whether a column's standard errors stand behind it.</summary>
    public bool HasErrors(int column) => column + 1 < Columns.Length && Columns[column + 1] == "±";
}

/// <summary>A chart's numbers, rounded as they are shown, so that the picture is that of the table. NaN is a number that there is not.</summary>
internal sealed record StudyTable(StudyChart Chart, IReadOnlyList<double[]> Rows)
{
    private const string None = "none";

    /// <summary>Three decimals below 100, one above; whole numbers stay.</summary>
    public static double Round(double value) => Math.Round(value, Math.Abs(value) < 100 ? 3 : 1) + 0.0;

    /// <summary>A number as tables have it.</summary>
    public static string Show(double value) => double.IsNaN(value) ? None : value.ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>The number of <see cref="Show"/>.</summary>
    public static double Read(string cell) => cell == None ? double.NaN : double.Parse(cell, CultureInfo.InvariantCulture);
}
