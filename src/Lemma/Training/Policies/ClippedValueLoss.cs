using Lemma.Formulas;
using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>max((V − R)², (V_old + clip(V − V_old, −ε, ε) − R)²)/2 of each token, PPO's loss of a critic; a mean over tokens.</summary>
public sealed record ClippedValueLoss
{
    /// <summary>ε: how far a value may move in one update.</summary>
    public double Clip { get; init; } = 0.2;

    /// <summary>The sum over tokens, and their number.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="values">V, [tokens].</param>
    /// <param name="oldValues">V before the update, [tokens].</param>
    /// <param name="returns">R: what came after each token, [tokens].</param>
    public LossPart Of(Tape tape, Tensor values, Tensor oldValues, Tensor returns)
    {
        Dictionary<string, object> numbers = new() { ["clip"] = Clip };
        Tensor mean = tape.Apply(ClippedValue.Definition, numbers, ("values", values), ("old_values", oldValues), ("returns", returns));
        return new LossPart(tape.Scale(mean, values.Shape.Count), values.Shape.Count);
    }

    /// <summary>Checks the number; the error names the rule and the value.</summary>
    public void Validate() => Require.That(Clip >= 0 && double.IsFinite(Clip), $"value loss: the clip must not be negative, but it is {Clip}");
}
