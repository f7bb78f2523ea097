namespace Lemma.Formulas;

/// <summary>L = −(1/|M|)·Σ_{i ∈ M} ln p(x_i | x̃), M the chosen places and x̃ the text with them changed.</summary>
/// <remarks>
/// 15 % of places are chosen; of those 80 % become [MASK], 10 % a random id, 10 % stay. Special ids are not chosen. The choice is a
/// function of the generator alone. Devlin et al. 2018, section 3.1, task 1.
/// </remarks>
public static class MaskedLanguageModel
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "masked_lm",
        Group = "Losses",
        Text = "L = −(1/m)·Σ_{i∈M} ln p(x_i | x̃)",
        Latex = @"L = -\frac{1}{m}\sum_{i\in M}\ln p\left(x_i\mid\tilde x\right)",
        Shapes = "logits: [places, V]; target: [places], −100 where not chosen; L: []",
        Symbols = "M: the chosen places, 15 %; of them 80 % become [MASK], 10 % a random id, 10 % stay; L in nats",
        Source = "Devlin et al. 2018, BERT, section 3.1, task 1",
        Gradient = "dz += (softmax(z) − 1_x)/m·dL at the chosen places",
        Notes = "No chosen place gives 0.",
        Example = "logits[7,11] target:3,-100,5,-100,-100,10,0",
        Evaluate = Evaluate,
    };

    /// <summary>Chooses places: inputs get the changed ids, targets the old id where one was chosen and −100 elsewhere.</summary>
    /// <param name="ids">The text.</param>
    /// <param name="specials">Ids below this number are special and never chosen.</param>
    /// <param name="maskId">[MASK].</param>
    /// <param name="vocabulary">Random ids are drawn from [specials, vocabulary).</param>
    /// <param name="share">The share of places that are chosen, 0.15 in the paper.</param>
    /// <param name="generator">The generator of this batch.</param>
    /// <param name="inputs">The ids that the model reads.</param>
    /// <param name="targets">The ids that it must find.</param>
    public static void Mask(ReadOnlySpan<int> ids, int specials, int maskId, int vocabulary, double share, Philox generator,
        Span<int> inputs, Span<int> targets)
    {
        Check.SameLength("masked_lm", ids.Length, inputs.Length);
        Check.SameLength("masked_lm", ids.Length, targets.Length);
        Check.That(share is >= 0 and <= 1, "masked_lm", $"the share must lie in [0, 1], but it is {share}");
        Check.That(vocabulary > specials, "masked_lm", $"the vocabulary {vocabulary} must have ids beyond the {specials} special ones");
        for (int i = 0; i < ids.Length; i++)
        {
            (inputs[i], targets[i]) = (ids[i], CrossEntropy.Ignore);
            if (ids[i] < specials || generator.Uniform(3 * (ulong)i) >= share)
                continue;
            targets[i] = ids[i];
            double kind = generator.Uniform(3 * (ulong)i + 1);
            inputs[i] = kind < 0.8 ? maskId : kind < 0.9 ? specials + generator.Below(vocabulary - specials, 3 * (ulong)i + 2) : ids[i];
        }
    }

    /// <summary>The loss over the chosen places: 0 when none is chosen.</summary>
    public static double Forward(ReadOnlySpan<float> logits, ReadOnlySpan<int> targets, int classes)
    {
        (double sum, double count) = WeightedCrossEntropy.Forward(logits, targets, classes, 0, default, CrossEntropy.Ignore);
        return count == 0 ? 0 : sum / count;
    }

    /// <summary>dz += (softmax(z) − 1_x)/|M|·dL at the chosen places.</summary>
    public static void Backward(ReadOnlySpan<float> logits, ReadOnlySpan<int> targets, int classes, double dy, Span<float> dlogits)
    {
        int count = 0;
        foreach (int target in targets)
            count += target == CrossEntropy.Ignore ? 0 : 1;
        WeightedCrossEntropy.Backward(logits, targets, classes, 0, default, CrossEntropy.Ignore, dy / Math.Max(1, count), dlogits);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values logits = call["logits"];
        int[] targets = call.Integers("target");
        Values y = Values.Scalar(Forward(logits, targets, logits.Columns));
        if (call.Backward(y, out float[]? dy))
            Backward(logits, targets, logits.Columns, dy[0], call.Gradient("logits"));
        return y;
    }
}
