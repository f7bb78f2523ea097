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

    /// <summary>Checks every number for heads of a width; the error names the rule and the values.</summary>
    public void Validate(int headWidth)
    {
        int width = Width ?? headWidth;
        Require.That(width % 2 == 0, $"rope: the width that turns must be even, but it is {width}");
        Require.That(width > 0 && width <= headWidth, $"rope: {width} columns cannot turn in a head of {headWidth}");
        // At 1 all pairs would turn alike, and YaRN divides by ln θ.
        Require.That(Theta > 1 && double.IsFinite(Theta), $"rope: θ must be above 1 and finite, but it is {Theta}");
        Scaling.Validate(width);
    }
}
