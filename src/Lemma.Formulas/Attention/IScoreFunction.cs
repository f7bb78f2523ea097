namespace Lemma.Formulas;

/// <summary>What becomes of the scaled scores of a key/value head before their softmax, a part of a row at a time.</summary>
/// <remarks>A bias of positions, a cap, −∞ to hide keys; and a sink, which takes weight and gives no value. Heads are counted in their group.</remarks>
internal interface IScoreFunction
{
    /// <summary>Whether scores stay as they are; known at compile time.</summary>
    static abstract bool IsEmpty { get; }

    /// <summary>Whether no query of a range sees a key of a range, so that their products can be left out.</summary>
    bool Hides(int query, int queries, int key, int keys);

    /// <summary>Changes the scaled scores of a query for keys from <paramref name="key"/> on.</summary>
    void Apply(int head, int query, int key, Span<float> scores);

    /// <summary>Takes the gradients of what <see cref="Apply"/> gave, 0 where a key is hidden, and makes them those of the scaled scores.</summary>
    void Differentiate(int head, int query, int key, ReadOnlySpan<float> scores, Span<float> gradients);

    /// <summary>The logit of a head's sink; −∞ for none.</summary>
    float Sink(int head);

    /// <summary>Takes the gradient of a head's sink.</summary>
    void AddSinkGradient(int head, float gradient);
}

/// <summary>Scores as they are.</summary>
internal readonly struct PlainScores : IScoreFunction
{
    public static bool IsEmpty => true;

    public bool Hides(int query, int queries, int key, int keys) => false;

    public void Apply(int head, int query, int key, Span<float> scores) { }

    public void Differentiate(int head, int query, int key, ReadOnlySpan<float> scores, Span<float> gradients) { }

    public float Sink(int head) => float.NegativeInfinity;

    public void AddSinkGradient(int head, float gradient) { }
}
