namespace Lemma.Formulas;

/// <summary>What is added to the scores of one head, a part of a row at a time: a position's bias, or −∞ to hide keys.</summary>
internal interface IAddend
{
    /// <summary>Whether there is nothing to add; known at compile time.</summary>
    static abstract bool IsEmpty { get; }

    /// <summary>Whether no query of a range sees a key of a range, so that their products can be left out.</summary>
    bool Hides(int query, int queries, int key, int keys);

    /// <summary>Adds to the scaled scores of a query for keys from <paramref name="key"/> on.</summary>
    void Add(int query, int key, Span<float> scores);

    /// <summary>Takes the gradient of what was added.</summary>
    void Accumulate(int query, int key, ReadOnlySpan<float> gradients);
}

/// <summary>Nothing to add.</summary>
internal readonly struct NoAddend : IAddend
{
    public static bool IsEmpty => true;

    public bool Hides(int query, int queries, int key, int keys) => false;

    public void Add(int query, int key, Span<float> scores) { }

    public void Accumulate(int query, int key, ReadOnlySpan<float> gradients) { }
}

/// <summary>The addends of an <see cref="IScore"/> for one head of one sequence.</summary>
internal readonly struct HeadAddend<TScore>(TScore score, int sequence, int head) : IAddend where TScore : IScore
{
    public static bool IsEmpty => false;

    public bool Hides(int query, int queries, int key, int keys) => score.Hides(query, queries, key, keys);

    public void Add(int query, int key, Span<float> scores)
    {
        for (int j = 0; j < scores.Length; j++)
            scores[j] += score.Add(sequence, head, query, key + j);
    }

    public void Accumulate(int query, int key, ReadOnlySpan<float> gradients)
    {
        for (int j = 0; j < gradients.Length; j++)
        {
            if (gradients[j] != 0)
                score.Accumulate(sequence, head, query, key + j, gradients[j]);
        }
    }
}
