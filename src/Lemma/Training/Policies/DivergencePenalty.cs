namespace Lemma.Training;

/// <summary>β of −β·(ln π − ln π_ref), a part of the reward of each token: a number that stays, or one that is led to a target.</summary>
/// <remarks>Led, β ← β·(1 + clip(d/target − 1, −0.2, 0.2)·answers/horizon) after each round. Ziegler et al. 2019, section 2.2.</remarks>
public sealed record DivergencePenalty
{
    /// <summary>β of the first round, in rewards a nat; 0 for none.</summary>
    public double Beta { get; init; }

    /// <summary>The divergence of an answer from the reference that β is led to, in nats; null for a β that stays.</summary>
    public double? Target { get; init; }

    /// <summary>The answers over which β follows.</summary>
    public double Horizon { get; init; } = 10000;

    /// <summary>β of the next round.</summary>
    /// <param name="beta">β of this round.</param>
    /// <param name="divergence">d: the mean Σ ln π − ln π_ref of its answers, in nats.</param>
    /// <param name="answers">How many they were.</param>
    public double Next(double beta, double divergence, int answers) =>
        Target is { } target ? beta * (1 + Math.Clamp(divergence / target - 1, -0.2, 0.2) * answers / Horizon) : beta;

    internal void Validate(int answers)
    {
        Require.That(Beta >= 0 && double.IsFinite(Beta), $"penalty: β must not be negative, but it is {Beta}");
        Require.That(Target is null || (Target > 0 && double.IsFinite(Target.Value) && Beta > 0),
            $"penalty: a target and the β that is led to it must be above 0, but they are {Target} and {Beta}");
        // At a fifth of the answers of a round β could fall to 0, which nothing leads up again.
        Require.That(Horizon > 0.2 * answers && double.IsFinite(Horizon),
            $"penalty: the horizon must be above a fifth of the {answers} answers of a round, but it is {Horizon}");
    }
}
