namespace Lemma.Formulas;

/// <summary>Every formula, by hand, in the order of the catalogue.</summary>
public static class FormulaIndex
{
    /// <summary>All formulas.</summary>
    public static IReadOnlyList<Formula> All { get; } =
    [
        Gelu.Definition, GeluTanh.Definition, LogSoftmax.Definition, Relu.Definition, Sigmoid.Definition, Silu.Definition,
        SoftCap.Definition, Softmax.Definition, Swish.Definition, Tanh.Definition,
        BinaryCrossEntropy.Definition, BinaryCrossEntropyWithLogits.Definition, CategoricalCrossEntropy.Definition,
        CausalLanguageModel.Definition, CosineOrder.Definition, CrossEntropy.Definition, InBatchContrast.Definition, LinearCrossEntropy.Definition,
        MaskedLanguageModel.Definition, MeanSquaredError.Definition, NextSentence.Definition,
        TransportPreference.Definition, TransportUnpaired.Definition, AnchoredDownPreference.Definition, AnchoredPreference.Definition,
        ClassifierPreference.Definition, ClippedImportance.Definition, DiscoveredPreference.Definition, DirectPreference.Definition,
        ExactPreference.Definition, DivergencePreference.Definition, GeneralizedAdvantage.Definition, GroupPolicy.Definition, GroupAdvantage.Definition,
        SequencePolicy.Definition, HingePreference.Definition, IdentityPreference.Definition, DivergenceK1.Definition,
        DivergenceK2.Definition, DivergenceK3.Definition, TokenDivergence.Definition, KahnemanTversky.Definition,
        ContrastivePreference.Definition, OddsRatioPreference.Definition, OverlongPenalty.Definition, PolicyClip.Definition,
        ClippedPolicy.Definition, PolicyObjective.Definition, ClippedValue.Definition, PolicyGradient.Definition,
        GlobalAdvantage.Definition, RewardPairwise.Definition, RewardObjective.Definition, LeaveOneOutAdvantage.Definition,
        RobustPreference.Definition, SimplePreference.Definition, SelfPlayPreference.Definition, WhitenedAdvantage.Definition,
        GradientNorm.Definition, Dropout.Definition, PlainDropout.Definition, L1.Definition, L2.Definition, LabelSmoothing.Definition,
        Residual.Definition, ScaledResidual.Definition, WeightDecay.Definition,
        BatchNorm.Definition, LayerNorm.Definition, PostNorm.Definition, PreNorm.Definition, QueryKeyNorm.Definition, RmsNorm.Definition,
        LinearBias.Definition, LearnedPositions.Definition, RelativeBuckets.Definition, RopeFormula.Definition,
        SinusoidalPositions.Definition,
        AdaptiveSpan.Definition, AttentionFormula.Definition, BlockSparseAttention.Definition, CrossAttention.Definition,
        DualChunkAttention.Definition, EfficientAttention.Definition, GroupedQueryAttention.Definition, CachedKeys.Definition,
        LinearAttention.Definition, MultiHeadAttention.Definition, LatentAttention.Definition, MultiQueryAttention.Definition,
        MultiScaleWindowAttention.Definition,
        GatedDeltaRule.Definition, LogDecay.Definition, ShortConvolution.Definition,
        DirectionMagnitude.Definition, Embedding.Definition, LinearMap.Definition, PerLayerEmbedding.Definition,
        ClampedGate.Definition, FeedForwardLayer.Definition, GatedFeedForward.Definition, GatedUnit.Definition,
        Capacity.Definition, ExpertLayer.Definition, BalanceLoss.Definition, Routing.Definition, BiasStep.Definition,
        RouterZLoss.Definition,
        Adafactor.Definition, Adam.Definition, AdamW.Definition, MovingAverage.Definition, Accumulation.Definition,
        GradientDescent.Definition, Lion.Definition, Muon.Definition, Momentum.Definition,
        ConstantRate.Definition, CosineRate.Definition, InverseRootRate.Definition, LinearRate.Definition, StableDecayRate.Definition,
        ArithmeticCode.Definition, ErasureChannel.Definition, SymmetricChannel.Definition, BitsPerByte.Definition,
        BlahutArimoto.Definition, ConditionalEntropy.Definition, Entropy.Definition, HuffmanCode.Definition,
        DistributionCrossEntropy.Definition, JensenShannon.Definition, JointEntropy.Definition, Divergence.Definition,
        MutualInformation.Definition, Perplexity.Definition, SelfInformation.Definition,
        ComputeOptimal.Definition, RepeatedTokens.Definition, ScalingLaw.Definition,
        AddK.Definition, KatzBackoff.Definition, KneserNey.Definition,
        EigenValues.Definition, EinsteinSum.Definition, Hadamard.Definition, IdentityMatrix.Definition, DiagonalTest.Definition, OrthogonalTest.Definition,
        SymmetryTest.Definition, MatrixSum.Definition, MatrixInverse.Definition, MatrixMultiplication.Definition,
        MatrixTranspose.Definition, SingularValues.Definition, ZeroMatrix.Definition,
    ];

    /// <summary>The groups in order.</summary>
    public static IReadOnlyList<string> Groups { get; } = [.. All.Select(formula => formula.Group).Distinct()];

    private static readonly Dictionary<string, Formula> ByName = All.ToDictionary(formula => formula.Name, StringComparer.Ordinal);

    /// <summary>The formula of a name; throws when there is none, naming the nearest.</summary>
    public static Formula Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.TryGetValue(name, out Formula? formula) ? formula
            : throw new ArgumentException($"formulas: there is no '{name}'; the nearest are {string.Join(", ", Nearest(name))}");
    }

    private static IEnumerable<string> Nearest(string name) => All.Select(formula => formula.Name).OrderBy(other => Distance(name,
        other)).Take(3);

    // The fewest letters to insert, delete or replace; a name that contains the other is nearer.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length] - (b.Contains(a, StringComparison.Ordinal) ? a.Length : 0);
    }
}
