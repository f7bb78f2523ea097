namespace Lemma.Cli.Parsing;

/// <summary>The name that somebody may have meant.</summary>
internal static class NearestName
{
    /// <summary>The name with the fewest letters to insert, delete or replace; the first of equals.</summary>
    public static string Of(string name, IEnumerable<string> known) => known.MinBy(other => Distance(name, other))!;

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
