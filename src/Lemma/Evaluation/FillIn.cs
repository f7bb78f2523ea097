using Lemma.Models;

namespace Lemma.Evaluation;

/// <summary>Hidden tokens guessed by an n-gram model: what an encoder that sees both sides must beat.</summary>
public static class FillIn
{
    /// <summary>argmax over v of p(v | left context)·p(right context | …, v), the first of equals.</summary>
    /// <remarks>
    /// The right context are the ids behind, one fewer than the order at most: further ones do not depend on v. A hidden neighbour is no context: both sides are
    /// cut there.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="ids">The text; what hidden places hold is not looked at.</param>
    /// <param name="isHidden">Which places are hidden.</param>
    /// <param name="place">The place that is asked for.</param>
    public static int Guess(NGramModel model, ReadOnlySpan<int> ids, ReadOnlySpan<bool> isHidden, int place)
    {
        ArgumentNullException.ThrowIfNull(model);
        Require.That(isHidden.Length == ids.Length && (uint)place < (uint)ids.Length,
            $"fill-in: place {place} and {isHidden.Length} hidden or not do not fit {ids.Length} ids");
        int first = place, end = place + 1;
        while (first > 0 && !isHidden[first - 1])
            first--;
        while (end < ids.Length && end - place < model.Order && !isHidden[end])
            end++;
        first = Math.Max(first, place - model.Order + 1);
        NGramState state = first == 0 ? model.Begin : default;
        for (int i = first; i < place; i++)
            state = model.Next(state, ids[i]);
        double[] left = new double[model.VocabularySize];
        model.Distribution(state, left);
        (int best, double most) = (0, -1);
        for (int id = 0; id < left.Length; id++)
        {
            // A product only falls, so most ids need no look to the right.
            double p = left[id];
            NGramState next = p > most ? model.Next(state, id) : default;
            for (int i = place + 1; i < end && p > most; i++)
            {
                p *= model.Probability(next, ids[i]);
                next = model.Next(next, ids[i]);
            }
            if (p > most)
                (best, most) = (id, p);
        }
        return best;
    }
}
