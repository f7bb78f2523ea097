using Lemma.Models;

namespace Lemma.Training;

/// <summary>How nanochat trains a shape of its own: rates and schedule follow from depth and batch.</summary>
/// <remarks>
/// Muon at 0.02 for the matrices of blocks; AdamW at 0.3 for the embedding and 0.008 for the head, both times (d/768)^−½; all times √(B/2¹⁹), B the tokens
/// of a step; 40 steps of warmup, and a fall to 0.05 over the last 0.65 of the run. Its weight decay, which itself fades, and the warmup of its momentum
/// are left out. Source: karpathy/nanochat, scripts/base_train.py.
/// </remarks>
public static class NanoChatRules
{
    private const double MatrixRate = 0.02, EmbeddingRate = 0.3, HeadRate = 0.008, ReferenceTokens = 1 << 19, ReferenceWidth = 768;

    /// <summary>The options with nanochat's optimizer, rates and schedule.</summary>
    /// <param name="options">Steps, evaluations and the rest.</param>
    /// <param name="config">The shape: <see cref="Presets.NanoChat"/>.</param>
    /// <param name="tokensOfStep">B: the tokens of all passes of a step.</param>
    public static TrainingOptions Apply(TrainingOptions options, DecoderConfig config, long tokensOfStep)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(config);
        Require.That(tokensOfStep > 0, $"nanochat: a step must have tokens, but it has {tokensOfStep}");
        double narrow = 1 / Math.Sqrt(config.Width / ReferenceWidth);
        return options with
        {
            LearningRate = MatrixRate * Math.Sqrt(tokensOfStep / ReferenceTokens),
            Schedule = new StableDecaySchedule { Warmup = Math.Min(40, options.Steps - 1), Minimum = 0.05, DecayShare = 0.65 },
            Optimizer = new MuonOptions
            {
                RestRateScale = 1,
                Rules =
                [
                    new ParameterRule("embedding.weight", EmbeddingRate / MatrixRate * narrow),
                    new ParameterRule("head.weight", HeadRate / MatrixRate * narrow),
                ],
            },
        };
    }
}
