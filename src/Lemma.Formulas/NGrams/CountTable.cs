namespace Lemma.Formulas;

/// <summary>Tables of counts, a context a row.</summary>
internal static class CountTable
{
    /// <summary>Whole rows of whole numbers, none negative.</summary>
    public static void Check(string formula, ReadOnlySpan<float> counts, int width)
    {
        Formulas.Check.Rows(formula, counts.Length, width);
        Formulas.Check.WholeNumbers(formula, "counts", counts);
        foreach (float count in counts)
            Formulas.Check.That(count >= 0, formula, $"counts must not be negative, but one is {count}");
    }

    /// <summary>n₁, n₂, … n_most: how many counts are 1, 2, ….</summary>
    public static long[] CountsOfCounts(ReadOnlySpan<float> counts, int most)
    {
        long[] n = new long[most];
        foreach (float count in counts)
        {
            if (count >= 1 && count <= most)
                n[(int)count - 1]++;
        }
        return n;
    }
}
