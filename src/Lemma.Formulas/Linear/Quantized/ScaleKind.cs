namespace Lemma.Formulas;

/// <summary>What stands beside the whole numbers of a quantized weight, and for how many of them.</summary>
public enum ScaleKind
{
    /// <summary>d of 16 bits for every 32: w = d·(u − offset).</summary>
    Half,

    /// <summary>d and m of 16 bits for every 32: w = d·u + m.</summary>
    HalfWithMinimum,

    /// <summary>An exponent of 8 bits for every 32: w = 2^(e − 128)·(u − offset), subnormal where e is below 2.</summary>
    Exponent,

    /// <summary>d and D of 16 bits for every 256, s and t of 8 bits for each part of them: w = (d·s)·u − D·t.</summary>
    SuperWithMinimum,

    /// <summary>d of 16 bits for every 256, s of 8 bits with a sign for each part of them: w = (d·s)·(u − offset).</summary>
    SuperSigned,
}
