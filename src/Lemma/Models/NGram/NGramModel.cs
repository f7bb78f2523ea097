using System.Numerics.Tensors;
using Lemma.Formulas;

namespace Lemma.Models;

/// <summary>A back-off model: p(w | h) of what followed a context in the text, else a factor of the context times p(w | the context without its first id).</summary>
/// <remarks>
/// A document is read from its begin mark on and predicted to its end mark (<see cref="NGramMarks"/>); a context is the ids before, one fewer than the order at
/// most, and never reaches beyond the beginning. Probabilities are in double; they do not change, and any number of threads may ask.
/// </remarks>
public sealed class NGramModel
{
    private readonly NGramLevel[] levels;
    private readonly double[][] p, backoff;
    private readonly double uniform;

    internal NGramModel(NGramLevel[] levels, double[][] p, double[][] backoff, NGramMarks marks, double words)
    {
        (this.levels, this.p, this.backoff, Marks, uniform) = (levels, p, backoff, marks, 1 / words);
        VocabularySize = levels[0].Count;
    }

    /// <summary>The order n: a context has n − 1 ids.</summary>
    public int Order => levels.Length;

    /// <summary>V.</summary>
    public int VocabularySize { get; }

    /// <summary>The ids around a document.</summary>
    public NGramMarks Marks { get; }

    /// <summary>The discounts of each order from 1 on, as they were used; empty for a model that has none or was read.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Discounts { get; internal init; } = [];

    /// <summary>ln of how many ids may be predicted: the loss of a model that knows nothing, in nats a token.</summary>
    public double UniformLoss => -Math.Log(uniform);

    /// <summary>Whether what did not follow a context has one probability (<see cref="AddKSmoothing"/>): that is not the form of a file.</summary>
    public bool BacksOffToUniform { get; internal init; }

    /// <summary>Before a document: behind its begin mark, where there is one.</summary>
    public NGramState Begin => Marks.Begin is { } id && Order > 1 ? new NGramState(1, id, 1) : default;

    internal ReadOnlySpan<NGramLevel> Levels => levels;

    internal double[][] Probabilities => p;

    internal double[][] Backoffs => backoff;

    /// <summary>The model of counts.</summary>
    public static NGramModel Estimate(NGramCounts counts, NGramSmoothing smoothing)
    {
        ArgumentNullException.ThrowIfNull(counts);
        ArgumentNullException.ThrowIfNull(smoothing);
        smoothing.Validate();
        return smoothing.Estimate(counts);
    }

    /// <summary>How many n-grams of an order it has, of those of one id all that may be predicted.</summary>
    public long Count(int order)
    {
        Require.That(order > 0 && order <= Order, $"n-grams: orders are from 1 to {Order}, but {order} was asked for");
        return order == 1 ? VocabularySize - (Marks.Unpredicted is null ? 0 : 1) : levels[order - 1].Count;
    }

    /// <summary>The same model without n-grams that it can do without, from the highest order on (Stolcke 1998, eq. 2 to 7).</summary>
    /// <remarks>
    /// An n-gram goes if the perplexity on the model's own text would rise by less than the threshold's share without it alone, and if no n-gram that stays
    /// goes on from it or ends in it. Factors of contexts are made anew, so distributions sum to 1.
    /// </remarks>
    /// <param name="threshold">The share, above 0; 1e-8 is usual.</param>
    public NGramModel Pruned(double threshold) => NGramPruning.Prune(this, threshold);

    /// <summary>The state behind some ids of which nothing is known before; the begin mark may be the first.</summary>
    public NGramState After(ReadOnlySpan<int> ids)
    {
        NGramState state = default;
        foreach (int id in ids[Math.Max(0, ids.Length - Order + 1)..])
            state = Next(state, id);
        return state;
    }

    /// <summary>The state behind one more id; behind a begin mark it is <see cref="Begin"/>, behind an end mark nothing is known.</summary>
    public NGramState Next(NGramState state, int id)
    {
        Predict(ref state, id);
        return state;
    }

    /// <summary>p(id | state).</summary>
    public double Probability(NGramState state, int id) => Predict(ref state, id);

    /// <summary>p(id | context), the last ids before it; the begin mark may be the first.</summary>
    public double Probability(ReadOnlySpan<int> context, int id) => Probability(After(context), id);

    /// <summary>p of every id.</summary>
    /// <param name="state">What is before.</param>
    /// <param name="probabilities">[V]; they sum to 1.</param>
    public void Distribution(NGramState state, Span<double> probabilities)
    {
        Check(state);
        Require.That(probabilities.Length == VocabularySize, $"n-grams: a distribution has {VocabularySize} numbers, but there is room for {probabilities.Length}");
        if (BacksOffToUniform)
        {
            UniformDistribution(state, probabilities);
            return;
        }
        Span<int> nodes = stackalloc int[NGramCounts.MostOrder];
        Span<double> scales = stackalloc double[NGramCounts.MostOrder];
        (int node, double scale) = (state.Node, 1);
        for (int known = state.Known; known > 0; known--)
        {
            (nodes[known], scales[known]) = (node, scale);
            scale *= backoff[known - 1][node];
            node = known > 1 ? levels[known - 1].Suffixes[node] : 0;
        }
        TensorPrimitives.Multiply(p[0], scale, probabilities);
        for (int known = 1; known <= state.Known; known++)
        {
            (int first, int end) = levels[known - 1].Children(nodes[known]);
            for (int child = first; child < end; child++)
                probabilities[levels[known].Words[child]] = scales[known] * p[known][child];
        }
    }

    /// <summary>−Σ ln p of a document's ids and of its end mark, in nats, and how many were predicted.</summary>
    /// <param name="document">The ids, without marks.</param>
    /// <param name="isEnded">Whether its end is predicted as well, where there is an end mark.</param>
    public (double Nats, long Tokens) Score(ReadOnlySpan<int> document, bool isEnded = true)
    {
        NGramState state = Begin;
        (double nats, long tokens) = (0, document.Length);
        foreach (int id in document)
            nats -= Math.Log(Predict(ref state, id));
        if (isEnded && Marks.End is { } end)
            (nats, tokens) = (nats - Math.Log(Predict(ref state, end)), tokens + 1);
        return (nats, tokens);
    }

    /// <summary>Draws the ids that go on, up to the end mark, which is not among them.</summary>
    /// <param name="prompt">The beginning of the document, without marks.</param>
    /// <param name="most">The most ids.</param>
    /// <param name="seed">The seed: the same ids for the same seed.</param>
    /// <param name="temperature">Probabilities are raised to 1/temperature; 0 takes the likeliest id, the first of equals.</param>
    public int[] Sample(ReadOnlySpan<int> prompt, int most, ulong seed, double temperature = 1)
    {
        Require.That(most >= 0 && temperature >= 0 && double.IsFinite(temperature),
            $"n-grams: the most ids and the temperature must not be negative, but they are {most} and {temperature}");
        NGramState state = Begin;
        foreach (int id in prompt)
            state = Next(state, id);
        Philox random = new(seed);
        double[] row = new double[VocabularySize];
        List<int> ids = [];
        while (ids.Count < most)
        {
            Distribution(state, row);
            int id = temperature == 0 ? TensorPrimitives.IndexOfMax<double>(row) : Draw(row, temperature, random.Uniform((ulong)ids.Count));
            if (id == Marks.End)
                break;
            ids.Add(id);
            state = Next(state, id);
        }
        return [.. ids];
    }

    /// <summary>p(id | state), and the state behind it.</summary>
    internal double Predict(ref NGramState state, int id)
    {
        Check(state);
        Require.That((uint)id < (uint)VocabularySize, $"n-grams: id {id} is not in the vocabulary of {VocabularySize}");
        (int known, int node, int length) = (state.Known, state.Node, Math.Min(state.Length + 1, Order - 1));
        (double scale, int child) = (1, id);
        for (; known > 0; known--)
        {
            child = NGramTrie.Child(levels[known - 1], levels[known], node, id);
            if (child >= 0)
                break;
            scale *= backoff[known - 1][node];
            node = known > 1 ? levels[known - 1].Suffixes[node] : 0;
            child = id;
        }
        double result = !BacksOffToUniform ? scale * p[known][child] : ByUniform(state, known, child, id);
        // Nothing is read over a mark, and a context has one id fewer than the order at most.
        if (id == Marks.Begin)
            state = Begin;
        else if (id == Marks.End)
            state = default;
        else if (known + 1 == Order)
            state = new NGramState(Order - 1, Order == 1 ? 0 : levels[known].Suffixes[child], length);
        else
            state = new NGramState(known + 1, child, length);
        return result;
    }

    // The whole context or none: what is known of a shorter one does not count.
    private double ByUniform(NGramState state, int known, int child, int id) =>
        id == Marks.Unpredicted ? 0
        : state.Known < state.Length ? uniform
        : known == state.Known ? p[known][child] : backoff[state.Known - 1][state.Node] * uniform;

    private void UniformDistribution(NGramState state, Span<double> probabilities)
    {
        probabilities.Fill(state.Known < state.Length ? uniform : state.Known > 0 ? backoff[state.Known - 1][state.Node] * uniform : 0);
        if (state is { Known: 0, Length: 0 })
            p[0].CopyTo(probabilities);
        else if (state.Known == state.Length)
        {
            (int first, int end) = levels[state.Known - 1].Children(state.Node);
            for (int child = first; child < end; child++)
                probabilities[levels[state.Known].Words[child]] = p[state.Known][child];
        }
        if (Marks.Unpredicted is { } never)
            probabilities[never] = 0;
    }

    private void Check(NGramState state) =>
        Require.That(state.Known < Order && state.Known <= state.Length && (state.Known == 0 || state.Node < levels[state.Known - 1].Count),
            $"n-grams: the state is of another model");

    private static int Draw(double[] row, double temperature, double place)
    {
        if (temperature != 1)
        {
            double most = Math.Log(TensorPrimitives.Max<double>(row));
            for (int i = 0; i < row.Length; i++)
                row[i] = row[i] == 0 ? 0 : Math.Exp((Math.Log(row[i]) - most) / temperature);
        }
        double sum = 0, at = 0;
        foreach (double weight in row)
            sum += weight;
        int last = 0;
        for (int i = 0; i < row.Length; i++)
        {
            if (row[i] == 0)
                continue;
            last = i;
            at += row[i];
            if (place * sum < at)
                return i;
        }
        return last;
    }
}
