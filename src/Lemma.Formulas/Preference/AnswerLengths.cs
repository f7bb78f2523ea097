namespace Lemma.Formulas;

/// <summary>The tokens of answers that lie one after the other.</summary>
internal static class AnswerLengths
{
    /// <summary>No length may be negative, and together they are the tokens.</summary>
    public static void Require(string formula, ReadOnlySpan<int> lengths, int tokens)
    {
        long sum = 0;
        foreach (int length in lengths)
        {
            Check.That(length >= 0, formula, $"an answer cannot have {length} tokens");
            sum += length;
        }
        Check.That(sum == tokens, formula, $"answers of {sum} tokens in all do not fit {tokens}");
    }
}
