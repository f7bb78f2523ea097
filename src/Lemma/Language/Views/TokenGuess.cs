namespace Lemma.Language.Views;

/// <summary>A token that a model would put somewhere.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Text">Its text, or its piece where it has no text by itself.</param>
/// <param name="Probability">How probable the model holds it.</param>
public sealed record TokenGuess(int Id, string Text, double Probability)
{
    /// <summary>The likeliest of a row of logits, the likeliest first; of equal ones the smaller id.</summary>
    internal static TokenGuess[] Likeliest(string operation, ReadOnlySpan<float> logits, int count, Func<int, string> textOf)
    {
        Require.That(count > 0 && count <= logits.Length, $"{operation}: from 1 to {logits.Length} tokens can be told, but {count} were asked for");
        int[] best = new int[count];
        int filled = 0;
        float largest = float.NegativeInfinity;
        for (int id = 0; id < logits.Length; id++)
        {
            Require.That(!float.IsNaN(logits[id]) && !float.IsPositiveInfinity(logits[id]), $"{operation}: the logit of the id {id} is {logits[id]}");
            largest = Math.Max(largest, logits[id]);
            if (filled == count && !(logits[id] > logits[best[^1]]))
                continue;
            int place = filled < count ? filled++ : count - 1;
            for (; place > 0 && logits[id] > logits[best[place - 1]]; place--)
                best[place] = best[place - 1];
            best[place] = id;
        }
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp((double)logit - largest);
        TokenGuess[] guesses = new TokenGuess[count];
        for (int i = 0; i < count; i++)
            guesses[i] = new TokenGuess(best[i], textOf(best[i]), Math.Exp((double)logits[best[i]] - largest) / sum);
        return guesses;
    }
}
