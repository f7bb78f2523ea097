namespace Lemma.Formulas;

/// <summary>What a product does with what stands in C.</summary>
internal enum Into
{
    /// <summary>C = A·B.</summary>
    Replace,

    /// <summary>C += A·B: the sum of the products is added at its end.</summary>
    Add,

    /// <summary>C += A·B, each element the first term of its own chain: a sum over some steps and then over more has the bits of one over all.</summary>
    Continue,
}
