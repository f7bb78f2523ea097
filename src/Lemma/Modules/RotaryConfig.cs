using Lemma.Formulas;

namespace Lemma.Modules;

/// <summary>Rotary positions: pairs of each query and key are turned by m·θ^(−2i/d).</summary>
/// <param name="Theta">The base θ.</param>
/// <param name="Interleaved">Whether a pair is (2i, 2i+1), as published, or (i, i + d/2), as most checkpoints store it.</param>
public sealed record RotaryConfig(double Theta = 10000, bool Interleaved = false)
{
    /// <summary>How many columns of a head turn, from its first on; null for all.</summary>
    public int? Width { get; init; }

    /// <summary>How the frequencies are changed for longer sequences.</summary>
    public RopeScaling Scaling { get; init; } = RopeScaling.None;
}
