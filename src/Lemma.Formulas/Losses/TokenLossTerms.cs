namespace Lemma.Formulas;

/// <summary>What stands beside −ln p of a token in a loss; nothing by default.</summary>
/// <param name="LabelSmoothing">ε in [0, 1): the share of the target that every id gets a part of.</param>
/// <param name="LogSumWeight">ζ of ζ·(ln Σ e^z)²: the z-loss, usually 1e-4.</param>
public readonly record struct TokenLossTerms(double LabelSmoothing = 0, double LogSumWeight = 0)
{
    /// <summary>Whether there is nothing.</summary>
    public bool IsNone => LabelSmoothing == 0 && LogSumWeight == 0;

    /// <summary>Checks both numbers; the error names the rule and the value.</summary>
    public void Validate()
    {
        Check.That(LabelSmoothing is >= 0 and < 1, "loss", $"the label smoothing must lie in [0, 1), but it is {LabelSmoothing}");
        Check.That(LogSumWeight >= 0 && double.IsFinite(LogSumWeight), "loss", $"the weight of the z-loss must not be negative, but it is {LogSumWeight}");
    }
}
