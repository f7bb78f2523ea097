namespace Lemma.Models;

/// <summary>How the rows of a text become one vector; vectors of several ways stand behind each other in this order.</summary>
public enum PoolingMode
{
    /// <summary>The first row, x₁.</summary>
    First,

    /// <summary>The largest of each column.</summary>
    Maximum,

    /// <summary>Σ xᵢ/n.</summary>
    Mean,

    /// <summary>Σ xᵢ/√n.</summary>
    MeanByRoot,

    /// <summary>Σ i·xᵢ/Σ i, i from 1 on.</summary>
    WeightedMean,

    /// <summary>The last row, xₙ.</summary>
    Last,
}
