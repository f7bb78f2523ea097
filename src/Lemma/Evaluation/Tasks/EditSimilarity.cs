using System.Text;

namespace Lemma.Evaluation.Tasks;

/// <summary>How near a text is to another: a score that grows with each right character, where an exact match jumps.</summary>
public static class EditSimilarity
{
    /// <summary>1 − d/max(m, n): d is the fewest code points that are put in, taken out or exchanged (Levenshtein 1966), m and n are the lengths.</summary>
    /// <returns>From 0 to 1; 1 for two empty texts.</returns>
    public static double Of(string first, string second)
    {
        Rune[] a = [.. first.EnumerateRunes()], b = [.. second.EnumerateRunes()];
        if (a.Length == 0 && b.Length == 0)
            return 1;
        int[] above = [.. Enumerable.Range(0, b.Length + 1)], row = new int[b.Length + 1];
        for (int i = 0; i < a.Length; i++)
        {
            row[0] = i + 1;
            for (int j = 0; j < b.Length; j++)
                row[j + 1] = Math.Min(Math.Min(row[j], above[j + 1]) + 1, above[j] + (a[i] == b[j] ? 0 : 1));
            (above, row) = (row, above);
        }
        return 1 - (double)above[b.Length] / Math.Max(a.Length, b.Length);
    }
}
