namespace Lemma.Training;

/// <summary>How a policy and its critic are trained by the rewards of the policy's answers.</summary>
public sealed record ProximalPolicyOptions : PolicyRoundOptions
{
    /// <summary>PPO's usual numbers: rounds of few answers a prompt, in two passes, read twice; β = 0.05 a nat.</summary>
    public ProximalPolicyOptions() => (Group, PassesOfRound, Epochs, Penalty) = (4, 2, 2, new DivergencePenalty { Beta = 0.05 });

    /// <summary>What a token of an answer costs the policy.</summary>
    public PolicyLoss Loss { get; init; } = new ProximalPolicyLoss();

    /// <summary>What a token costs the critic.</summary>
    public ClippedValueLoss ValueLoss { get; init; } = new();

    /// <summary>γ: what the reward of the next token counts, in [0, 1].</summary>
    public double Gamma { get; init; } = 1;

    /// <summary>λ: from the one-step error, 0, to the rewards to come less the value, 1.</summary>
    public double Lambda { get; init; } = 0.95;

    /// <summary>What is added to the variance of advantages, which are whitened over the tokens of a round.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>c of −c·H in the loss, H the mean entropy of what tokens are drawn from; 0 for none.</summary>
    public double EntropyWeight { get; init; }

    /// <summary>The learning rate of the critic.</summary>
    public double CriticLearningRate { get; init; } = 1e-4;

    /// <summary>What steps the critic.</summary>
    public OptimizerOptions CriticOptimizer { get; init; } = new AdamWOptions { WeightDecay = 0 };

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public ProximalPolicyOptions Validate()
    {
        ValidateRound();
        Require.That(Gamma is >= 0 and <= 1 && Lambda is >= 0 and <= 1, $"ppo: γ and λ must lie in [0, 1], but they are {Gamma} and {Lambda}");
        Require.That(Epsilon >= 0 && double.IsFinite(Epsilon), $"ppo: what is added to the variance must not be negative, but it is {Epsilon}");
        Require.That(EntropyWeight >= 0 && double.IsFinite(EntropyWeight), $"ppo: the weight of the entropy must not be negative, but it is {EntropyWeight}");
        Require.That(CriticLearningRate > 0 && double.IsFinite(CriticLearningRate),
            $"ppo: the critic's learning rate must be positive, but it is {CriticLearningRate}");
        Loss.Validate();
        ValueLoss.Validate();
        CriticOptimizer.Validate();
        return this;
    }
}
