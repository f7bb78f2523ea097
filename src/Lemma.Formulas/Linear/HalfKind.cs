namespace Lemma.Formulas;

/// <summary>Numbers of 16 bits that a weight may lie in; products read them as the floats that they are, exactly.</summary>
public enum HalfKind
{
    /// <summary>None: 32 bits.</summary>
    None,

    /// <summary>5 bits of exponent, 10 of fraction.</summary>
    Half,

    /// <summary>The upper half of 32 bits.</summary>
    Brain,
}
