using Lemma.Tensors;

namespace Lemma.Training;

/// <summary>What pairs of answers cost: one record for each formula, chosen by its type.</summary>
public abstract record PreferenceLoss
{
    /// <summary>Its name in options and metrics: "dpo", "ipo".</summary>
    public abstract string Name { get; }

    /// <summary>Every loss with its own numbers, by name.</summary>
    public static IReadOnlyDictionary<string, PreferenceLoss> All { get; } = new PreferenceLoss[]
    {
        new DirectPreferenceLoss(), new DirectPreferenceLoss { IsMeanOfTokens = true }, new DivergencePreferenceLoss(),
        new DivergencePreferenceLoss { Divergence = PreferenceDivergence.JensenShannon },
        new DivergencePreferenceLoss { Divergence = PreferenceDivergence.Alpha }, new IdentityPreferenceLoss(), new HingePreferenceLoss(),
        new RobustPreferenceLoss(), new ExactPreferenceLoss(), new ContrastivePreferenceLoss(), new ClassifierPreferenceLoss(), new SelfPlayPreferenceLoss(),
        new AnchoredPreferenceLoss(), new AnchoredDownPreferenceLoss(), new TransportPreferenceLoss(), new UnpairedTransportLoss(),
        new DiscoveredPreferenceLoss(), new KahnemanTverskyPairLoss(), new SimplePreferenceLoss(), new OddsRatioPreferenceLoss(),
    }.ToDictionary(loss => loss.Name);

    /// <summary>Whether it compares the policy with a reference.</summary>
    public virtual bool NeedsReference => true;

    /// <summary>β of the reward β·ln(π/π_ref) that the loss gives an answer; null where it has none.</summary>
    internal virtual double? RewardScale => null;

    /// <summary>The sum of the loss over the pairs, a scalar.</summary>
    public abstract Tensor Sum(Tape tape, in PairLogs logs);

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public abstract void Validate();
}

/// <summary>ln π(y|x) of the answers of some pairs, in nats: sums over the answers' tokens.</summary>
/// <param name="Chosen">Of the policy for the preferred answers, [pairs].</param>
/// <param name="Rejected">Of the policy for the others, [pairs].</param>
/// <param name="ReferenceChosen">Of the reference, [pairs]; zeros where the loss needs none.</param>
/// <param name="ReferenceRejected">Of the reference, [pairs].</param>
/// <param name="ChosenTokens">The tokens of each preferred answer.</param>
/// <param name="RejectedTokens">The tokens of each other answer.</param>
public readonly record struct PairLogs(Tensor Chosen, Tensor Rejected, Tensor ReferenceChosen, Tensor ReferenceRejected,
    ReadOnlyMemory<int> ChosenTokens, ReadOnlyMemory<int> RejectedTokens)
{
    /// <summary>The number of pairs.</summary>
    public int Count => ChosenTokens.Length;

    /// <summary>The same as means over the tokens of each answer, so that long answers weigh as short ones do.</summary>
    public PairLogs MeanOfTokens(Tape tape) => this with
    {
        Chosen = Mean(tape, Chosen, ChosenTokens.Span),
        Rejected = Mean(tape, Rejected, RejectedTokens.Span),
        ReferenceChosen = Mean(tape, ReferenceChosen, ChosenTokens.Span),
        ReferenceRejected = Mean(tape, ReferenceRejected, RejectedTokens.Span),
    };

    private static Tensor Mean(Tape tape, Tensor logs, ReadOnlySpan<int> tokens)
    {
        float[] shares = new float[tokens.Length];
        for (int i = 0; i < shares.Length; i++)
            shares[i] = 1f / Math.Max(1, tokens[i]);
        return tape.Multiply(logs, tape.Input(logs.Shape, shares));
    }
}
