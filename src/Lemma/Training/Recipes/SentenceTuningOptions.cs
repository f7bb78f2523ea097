using Lemma.Models;

namespace Lemma.Training;

/// <summary>What pairs of texts cost.</summary>
public enum SentenceLoss
{
    /// <summary>A pair with a higher score is to have the higher cosine: cosent.</summary>
    Order,

    /// <summary>A text is to be nearer to its partner than to those of the other pairs of the pass: in_batch_contrast. Scores must be 1.</summary>
    Contrast,
}

/// <summary>How texts become vectors, and what pairs of them cost.</summary>
public sealed record SentenceTuningOptions
{
    /// <summary>What pairs cost.</summary>
    public SentenceLoss Loss { get; init; }

    /// <summary>How the rows of a text become its vector: their mean, the first or the last.</summary>
    public PoolingMode Pooling { get; init; } = PoolingMode.Mean;

    /// <summary>s, which cosines are multiplied with.</summary>
    public double Scale { get; init; } = 20;

    /// <summary>The most rows of one pass, filled by whole pairs: with contrast it says how many others there are.</summary>
    public int RowsOfPass { get; init; } = 2048;

    /// <summary>The seed of the pairs' order.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public SentenceTuningOptions Validate()
    {
        Require.That(Loss is SentenceLoss.Order or SentenceLoss.Contrast, $"pairs: the loss must be order or contrast, but it is {Loss}");
        Require.That(Pooling is PoolingMode.Mean or PoolingMode.First or PoolingMode.Last,
            $"pairs: rows must be pooled by their mean, the first or the last, but it is {Pooling}");
        Require.That(Scale > 0 && double.IsFinite(Scale), $"pairs: the scale must be above 0, but it is {Scale}");
        Require.That(RowsOfPass > 0, $"pairs: a pass must have at least one row, but it has {RowsOfPass}");
        return this;
    }
}
