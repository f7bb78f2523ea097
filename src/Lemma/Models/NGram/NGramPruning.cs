namespace Lemma.Models;

/// <summary>Pruning by relative entropy.</summary>
internal static class NGramPruning
{
    public static NGramModel Prune(NGramModel model, double threshold)
    {
        Require.That(threshold > 0 && double.IsFinite(threshold), $"pruning: the threshold must be above 0, but it is {threshold}");
        Require.That(!model.BacksOffToUniform, $"pruning: a model of add-k backs off to nothing lower, so none of its n-grams can go");
        bool[][] kept = Choose(model, threshold);
        NGramLevel[] levels = new NGramLevel[model.Order];
        double[][] p = new double[model.Order][], backoff = new double[model.Order - 1][];
        (levels[0], p[0]) = (NGramLevel.OfWords(model.VocabularySize), model.Probabilities[0]);
        int[] places = [.. Enumerable.Range(0, model.VocabularySize)];
        for (int k = 1; k < model.Order; k++)
        {
            NGramLevel level = model.Levels[k], below = model.Levels[k - 1];
            bool[] stays = kept[k];
            int[] own = new int[level.Count], first = new int[levels[k - 1].Count + 1];
            List<int> words = [], suffixes = [];
            List<double> chances = [];
            for (int node = 0; node < below.Count; node++)
            {
                (int from, int to) = below.Children(node);
                for (int i = from; i < to; i++)
                {
                    if (!stays[i])
                        continue;
                    own[i] = words.Count;
                    words.Add(level.Words[i]);
                    suffixes.Add(places[level.Suffixes[i]]);
                    chances.Add(model.Probabilities[k][i]);
                    first[places[node] + 1]++;
                }
            }
            for (int i = 1; i < first.Length; i++)
                first[i] += first[i - 1];
            levels[k - 1].First = first;
            levels[k] = new NGramLevel { Words = [.. words], Suffixes = [.. suffixes], First = new int[words.Count + 1] };
            (p[k], places) = ([.. chances], own);
            backoff[k - 1] = Factors(levels[k - 1], levels[k], p[k], p[k - 1]);
        }
        return new NGramModel(levels, p, backoff, model.Marks, Math.Round(Math.Exp(model.UniformLoss))) { Discounts = model.Discounts };
    }

    // What a context leaves to others over what the lower order gives to them.
    private static double[] Factors(NGramLevel below, NGramLevel level, double[] p, double[] lower)
    {
        double[] factors = new double[below.Count];
        for (int node = 0; node < factors.Length; node++)
        {
            (int first, int end) = below.Children(node);
            (double left, double others) = (1, 1);
            for (int i = first; i < end; i++)
                (left, others) = (left - p[i], others - lower[level.Suffixes[i]]);
            factors[node] = first == end ? 1 : others > 0 && left > 0 ? left / others : 0;
        }
        return factors;
    }

    private static bool[][] Choose(NGramModel model, double threshold)
    {
        bool[][] kept = new bool[model.Order][];
        double[][] contexts = ContextProbabilities(model);
        for (int k = model.Order - 1; k >= 1; k--)
        {
            NGramLevel level = model.Levels[k], below = model.Levels[k - 1];
            double[] p = model.Probabilities[k], lower = model.Probabilities[k - 1];
            bool[] stays = kept[k] = new bool[level.Count];
            if (k + 1 < model.Order)
                Need(level, model.Levels[k + 1], kept[k + 1], stays);
            for (int node = 0; node < below.Count; node++)
            {
                (int first, int end) = below.Children(node);
                (double left, double others) = (1, 1);
                for (int i = first; i < end; i++)
                    (left, others) = (left - p[i], others - lower[level.Suffixes[i]]);
                double before = Math.Log(left / others);
                for (int i = first; i < end; i++)
                {
                    double other = lower[level.Suffixes[i]], after = Math.Log((left + p[i]) / (others + other));
                    // D = −p(h)·(p(w | h)·(ln p′(w | h) − ln p(w | h)) + (ln α′ − ln α)·Σ of what is not seen).
                    double change = p[i] * (after + Math.Log(other) - Math.Log(p[i])) + (left > 0 ? left * (after - before) : 0);
                    stays[i] |= !(Math.Exp(-contexts[k - 1][node] * change) - 1 < threshold);
                }
            }
        }
        return kept;
    }

    // What an n-gram that stays goes on from, or ends in, stays.
    private static void Need(NGramLevel level, NGramLevel above, bool[] kept, bool[] stays)
    {
        for (int node = 0; node < level.Count; node++)
        {
            (int first, int end) = level.Children(node);
            for (int i = first; i < end; i++)
            {
                if (kept[i])
                    (stays[node], stays[above.Suffixes[i]]) = (true, true);
            }
        }
    }

    // p(h) by the chain rule; a begin mark that is never predicted comes as often as the end.
    private static double[][] ContextProbabilities(NGramModel model)
    {
        double[][] all = new double[model.Order][];
        all[0] = [.. model.Probabilities[0]];
        if (model.Marks.Unpredicted is { } begin)
            all[0][begin] = model.Marks.End is { } end ? model.Probabilities[0][end] : 1.0 / model.VocabularySize;
        for (int k = 1; k < model.Order; k++)
        {
            int[] parents = NGramLevel.Parents(model.Levels[k - 1], model.Levels[k].Count);
            all[k] = [.. parents.Select((parent, i) => all[k - 1][parent] * model.Probabilities[k][i])];
        }
        return all;
    }
}
