namespace Lemma.Formulas;

/// <summary>L = −(1/N)·Σ ln softmax(z)_t, t = 0 when B follows A and 1 when B was drawn at random, half of the pairs each.</summary>
/// <remarks>z: [pairs, 2]; t: [pairs]. Devlin et al. 2018, section 3.1, task 2.</remarks>
public static class NextSentence
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "next_sentence",
        Group = "Losses",
        Text = "L = −(1/n)·Σ ln softmax(z)_t",
        Shapes = "logits (z): [n, 2]; target (t): [n], 0 when B follows A, 1 when not; L: []",
        Symbols = "half of the pairs are true; L in nats",
        Source = "Devlin et al. 2018, BERT, section 3.1, task 2",
        Gradient = "dz += (softmax(z) − 1_t)/n·dL",
        Example = "logits[9,2] target[9]%2",
        Evaluate = Evaluate,
    };

    /// <summary>For each sentence the index of the one shown after it and the label: the next (0) or a random other one (1).</summary>
    public static void Pairs(int sentences, Philox generator, Span<int> second, Span<int> labels)
    {
        Check.SameLength("next_sentence", second.Length, labels.Length);
        Check.That(sentences > 2 && second.Length < sentences, "next_sentence",
            $"{second.Length} pairs need more than {sentences} sentences");
        for (int i = 0; i < second.Length; i++)
        {
            labels[i] = generator.Uniform(2 * (ulong)i) < 0.5 ? 0 : 1;
            // One of the others: neither the next sentence nor this one.
            int other = generator.Below(sentences - 2, 2 * (ulong)i + 1);
            second[i] = labels[i] == 0 ? i + 1 : other < i ? other : other + 2;
        }
    }

    /// <summary>L, in nats.</summary>
    public static double Forward(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels)
    {
        (double sum, double count) = WeightedCrossEntropy.Forward(logits, labels, 2, 0, default, CrossEntropy.Ignore);
        return count == 0 ? 0 : sum / count;
    }

    /// <summary>dz += (softmax(z) − 1_t)/N·dL.</summary>
    public static void Backward(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, double dy, Span<float> dlogits) =>
        WeightedCrossEntropy.Backward(logits, labels, 2, 0, default, CrossEntropy.Ignore, dy / Math.Max(1, labels.Length), dlogits);

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call.Input("logits", -1, 2);
        int[] labels = call.Integers("target");
        Values y = Values.Scalar(Forward(logits, labels));
        if (call.Backward(y, out float[]? dy))
            Backward(logits, labels, dy[0], call.Gradient("logits"));
        return y;
    }
}
