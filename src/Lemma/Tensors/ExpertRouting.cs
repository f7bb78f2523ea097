using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>What makes scores of a router's logits.</summary>
public enum RouterScore
{
    /// <summary>softmax over all experts.</summary>
    Softmax,

    /// <summary>σ of each logit.</summary>
    Sigmoid,
}

/// <summary>How a group of experts counts when groups are chosen.</summary>
public enum GroupScore
{
    /// <summary>By the sum of its two best experts.</summary>
    TwoBest,

    /// <summary>By its best expert.</summary>
    Best,
}

/// <summary>How a row's experts are chosen and weighed; of equal scores the first is chosen. See <see cref="Routing"/>.</summary>
public sealed record ExpertRouting
{
    /// <summary>How many experts there are.</summary>
    public required int Experts { get; init; }

    /// <summary>How many a row chooses.</summary>
    public required int Chosen { get; init; }

    /// <summary>What makes scores of logits.</summary>
    public RouterScore Score { get; init; }

    /// <summary>Whether the scores of the chosen are divided by their sum; with σ 10⁻²⁰ is added to it.</summary>
    public bool NormalizesChosen { get; init; }

    /// <summary>Whether the softmax goes over the chosen alone, which is the softmax over all with <see cref="NormalizesChosen"/>.</summary>
    public bool SoftmaxOverChosen { get; init; }

    /// <summary>What the weights are multiplied with.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Groups of equal size, of which some are chosen first; 1 for none.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Groups that experts are chosen from.</summary>
    public int ChosenGroups { get; init; } = 1;

    /// <summary>How a group counts.</summary>
    public GroupScore GroupScore { get; init; }

    /// <summary>Checks the numbers; the error names the rule and the values.</summary>
    public ExpertRouting Validate()
    {
        Require.That(Experts > 0 && Chosen > 0 && Chosen <= Experts, $"experts: the number of chosen ones must lie in [1, {Experts}], but it is {Chosen}");
        Require.That(Groups > 0 && Experts % Groups == 0, $"experts: {Groups} groups do not divide {Experts} experts");
        Require.That(ChosenGroups > 0 && ChosenGroups <= Groups && ChosenGroups * (Experts / Groups) >= Chosen,
            $"experts: {ChosenGroups} of {Groups} groups of {Experts} experts must hold the {Chosen} that are chosen");
        Require.That(!SoftmaxOverChosen || Score == RouterScore.Softmax, $"experts: a softmax over the chosen needs scores by softmax, not by {Score}");
        Require.That(Scale is > 0 and < float.PositiveInfinity, $"experts: the scale must be positive and finite, but it is {Scale}");
        return this;
    }

    internal Routing.Options Options => new(Experts, Chosen, Score == RouterScore.Softmax, NormalizesChosen || SoftmaxOverChosen, Groups,
        ChosenGroups, Scale, GroupScore == GroupScore.Best, Score == RouterScore.Sigmoid ? 1e-20 : 0);
}

/// <summary>What experts have beside their matrices.</summary>
/// <param name="GateUpBias">[E·2·d_ff], or none.</param>
/// <param name="DownBias">[E·d], or none.</param>
/// <param name="Limit">L of a clamped gate; 0 for φ(a)∘b.</param>
/// <param name="Alpha">α of a clamped gate.</param>
internal readonly record struct ExpertTerms(Tensor? GateUpBias, Tensor? DownBias, float Limit, float Alpha);

/// <summary>What a layer of experts gives.</summary>
/// <param name="Rows">[rows, d].</param>
/// <param name="Probabilities">The scores of all experts, [rows, E]; a gradient that arrives goes on to the router.</param>
/// <param name="Loads">How many rows chose each expert, [E]; until the tape is rewound.</param>
public readonly record struct ExpertOutput(Tensor Rows, Tensor Probabilities, ReadOnlyMemory<int> Loads);
