namespace Lemma.Tensors;

/// <summary>A part of a loss: a sum of terms and their weight. Means are taken once, over all parts of a step: Σ sums / Σ weights.</summary>
/// <remarks>So passes of unequal numbers of targets, masked or not, add up to what one pass over all of them gives.</remarks>
/// <param name="Sum">The sum, a scalar on a tape.</param>
/// <param name="Weight">What it is divided by for the mean: the targets that count, pairs or sequences; 0 where nothing counts.</param>
public readonly record struct LossPart(Tensor Sum, double Weight)
{
    /// <summary>The losses of rows added up; the weight is the number of rows that have a target.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="losses">A loss a row, 0 for a row that is left out.</param>
    /// <param name="targets">The target of each row, −100 for a row that is left out.</param>
    public static LossPart OfRows(Tape tape, Tensor losses, ReadOnlyMemory<int> targets) =>
        new(tape.Sum(losses), targets.Length - targets.Span.Count(Formulas.CrossEntropy.Ignore));

    /// <summary>The mean of this part alone; 0 where nothing counts.</summary>
    public double Mean(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        return Weight == 0 ? 0 : tape[Sum][0] / Weight;
    }

    /// <summary>This mean and another one added: a part of this weight, m₁ + m₂.</summary>
    /// <remarks>For losses of different things, masked tokens and pairs of sentences; the second mean is taken in each pass.</remarks>
    public LossPart Plus(Tape tape, LossPart other)
    {
        ArgumentNullException.ThrowIfNull(tape);
        if (other.Weight == 0)
            return this;
        return Weight == 0 ? other : this with { Sum = tape.AddScaled(Sum, other.Sum, (float)(Weight / other.Weight)) };
    }
}
