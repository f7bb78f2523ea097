namespace Lemma.Tests.Oracles.Twins;

/// <summary>Every formula of the index again: plain loops in double, written from the formula and not from our code.</summary>
internal static class TwinList
{
    /// <summary>Twins by the formula's name.</summary>
    public static IReadOnlyDictionary<string, Twin> All { get; } = new[]
    {
        ActivationTwins.All, LossTwins.All, PreferenceTwins.All, RegularizationTwins.All, NormalizationTwins.All, PositionTwins.All,
        AttentionTwins.All, ProjectedAttentionTwins.All, RecurrenceTwins.All, FeedForwardTwins.All, OptimizerTwins.All, InformationTwins.All,
        ScalingTwins.All, NGramTwins.All, LinearAlgebraTwins.All,
    }.SelectMany(group => group).ToDictionary(pair => pair.Key, pair => pair.Value);
}
