namespace Lemma.Formats;

/// <summary>How numbers are stored that are float32 in memory.</summary>
public enum FloatType
{
    /// <summary>32 bits, as in memory.</summary>
    F32,

    /// <summary>16 bits: 5 of exponent, 10 of fraction; beyond ±65504 it is infinite.</summary>
    F16,

    /// <summary>16 bits: the upper half of float32.</summary>
    BF16,
}
