namespace Lemma.Formulas;

/// <summary>ln π(y|x) of the answers of some pairs, of a policy and of its reference: four spans of one length.</summary>
public readonly ref struct AnswerPairs
{
    internal const string Shapes = "policy_chosen, policy_rejected, reference_chosen, reference_rejected: [pairs] of ln π(y|x); L: []";
    internal const string Ratios = "r_w, r_l: ln(π/π_ref) of the preferred answer and of the other, in nats; m = r_w − r_l";

    /// <summary>The four logs of each pair.</summary>
    public AnswerPairs(ReadOnlySpan<float> chosen, ReadOnlySpan<float> rejected, ReadOnlySpan<float> referenceChosen,
        ReadOnlySpan<float> referenceRejected)
    {
        Check.SameLength("pairs", chosen.Length, rejected.Length);
        Check.SameLength("pairs", chosen.Length, referenceChosen.Length);
        Check.SameLength("pairs", chosen.Length, referenceRejected.Length);
        Chosen = chosen;
        Rejected = rejected;
        ReferenceChosen = referenceChosen;
        ReferenceRejected = referenceRejected;
    }

    /// <summary>Of the policy for the preferred answers.</summary>
    public ReadOnlySpan<float> Chosen { get; }

    /// <summary>Of the policy for the others.</summary>
    public ReadOnlySpan<float> Rejected { get; }

    /// <summary>Of the reference for the preferred answers.</summary>
    public ReadOnlySpan<float> ReferenceChosen { get; }

    /// <summary>Of the reference for the others.</summary>
    public ReadOnlySpan<float> ReferenceRejected { get; }

    /// <summary>The number of pairs.</summary>
    public int Count => Chosen.Length;

    internal static AnswerPairs Of(FormulaCall call)
    {
        Values chosen = call["policy_chosen"];
        return new AnswerPairs(chosen, call.Same("policy_rejected", chosen), call.Same("reference_chosen", chosen),
            call.Same("reference_rejected", chosen));
    }
}

/// <summary>Where the gradients of <see cref="AnswerPairs"/> are added to.</summary>
public readonly ref struct AnswerPairGradients
{
    /// <summary>The gradients of the four logs of each pair.</summary>
    public AnswerPairGradients(Span<float> chosen, Span<float> rejected, Span<float> referenceChosen, Span<float> referenceRejected)
    {
        Check.SameLength("pairs", chosen.Length, rejected.Length);
        Check.SameLength("pairs", chosen.Length, referenceChosen.Length);
        Check.SameLength("pairs", chosen.Length, referenceRejected.Length);
        Chosen = chosen;
        Rejected = rejected;
        ReferenceChosen = referenceChosen;
        ReferenceRejected = referenceRejected;
    }

    /// <summary>Of the policy's logs of the preferred answers.</summary>
    public Span<float> Chosen { get; }

    /// <summary>Of the policy's logs of the others.</summary>
    public Span<float> Rejected { get; }

    /// <summary>Of the reference's logs of the preferred answers.</summary>
    public Span<float> ReferenceChosen { get; }

    /// <summary>Of the reference's logs of the others.</summary>
    public Span<float> ReferenceRejected { get; }

    internal static AnswerPairGradients Of(FormulaCall call) => new(call.Gradient("policy_chosen"), call.Gradient("policy_rejected"),
        call.Gradient("reference_chosen"), call.Gradient("reference_rejected"));
}
