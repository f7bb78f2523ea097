namespace Lemma.Formulas;

/// <summary>The scores of a <see cref="BlockSparseAttention"/>: those of <see cref="ScoreTerms"/>, and −∞ for keys of blocks that the pattern hides.</summary>
/// <param name="Pattern">Which blocks see which.</param>
/// <param name="Blocks">Blocks of keys.</param>
/// <param name="Terms">What else is done to the scores, and the position of the first query.</param>
internal readonly record struct BlockScores(BlockSparseAttention.Pattern Pattern, int Blocks, ScoreTerms Terms) : IScoreFunction
{
    public static bool IsEmpty => false;

    public bool Hides(int query, int queries, int key, int keys)
    {
        int firstRow = (query + Terms.Offset) / Pattern.Block, lastRow = (query + Terms.Offset + queries - 1) / Pattern.Block;
        for (int row = firstRow; row <= lastRow; row++)
        {
            for (int column = key / Pattern.Block; column <= (key + keys - 1) / Pattern.Block; column++)
            {
                if (Pattern.Sees(row, column, Blocks))
                    return false;
            }
        }
        return true;
    }

    public void Apply(int head, int query, int key, Span<float> scores)
    {
        Terms.Apply(head, query, key, scores);
        int row = (query + Terms.Offset) / Pattern.Block;
        for (int j = 0; j < scores.Length;)
        {
            int column = (key + j) / Pattern.Block, end = (int)Math.Min((column + 1L) * Pattern.Block - key, scores.Length);
            if (!Pattern.Sees(row, column, Blocks))
                scores[j..end].Fill(float.NegativeInfinity);
            j = end;
        }
    }

    public void Differentiate(int head, int query, int key, ReadOnlySpan<float> scores, Span<float> gradients) =>
        Terms.Differentiate(head, query, key, scores, gradients);

    public float Sink(int head) => Terms.Sink(head);

    public void AddSinkGradient(int head, float gradient) => Terms.AddSinkGradient(head, gradient);
}
