namespace Lemma.Modules;

/// <summary>A short convolution between two gates: y = (c∘conv(b∘x))·W, with b, c and x projected from the row.</summary>
/// <remarks>Liquid AI 2025, LFM2, section 3. It has no positions of its own.</remarks>
public sealed record ShortConvolutionConfig : MixerConfig
{
    /// <summary>K: positions that a channel sees, its own included.</summary>
    public required int Kernel { get; init; }

    /// <summary>Whether the convolution and both projections have a bias.</summary>
    public bool Bias { get; init; }

    /// <inheritdoc/>
    public override void Validate() => Require.That(Kernel is > 0 and <= WidestHead,
        $"short_convolution: a channel must see 1 to {WidestHead} positions, but sees {Kernel}");

    internal override bool SeesPrefixes => false;

    internal override Mixer Make(Scope scope, int width) => new ShortConvolutionMixer(this, scope, width);
}

/// <summary>The gated delta rule: a matrix a head, in which each key gets a new value and all else fades.</summary>
/// <remarks>
/// Queries, keys and values go through a short convolution and silu, queries and keys are of length 1, outputs are normed and gated by silu(z).
/// Yang, Kautz and Hatamizadeh 2024. It has no positions of its own.
/// </remarks>
public sealed record GatedDeltaConfig : MixerConfig
{
    /// <summary>Heads of queries and keys; it divides <see cref="Heads"/>.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>Heads of values.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of a head's query and key.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>The width of a head's value.</summary>
    public required int ValueWidth { get; init; }

    /// <summary>K of the convolution: positions that a channel sees, its own included.</summary>
    public required int Kernel { get; init; }

    /// <summary>The norm of each head's output.</summary>
    public required RmsNormConfig Norm { get; init; }

    /// <summary>ε in the length of queries and keys.</summary>
    public float LengthEpsilon { get; init; } = 1e-6f;

    /// <summary>Channels of the convolution: queries, keys and values.</summary>
    internal int Channels => 2 * KeyHeads * HeadWidth + Heads * ValueWidth;

    /// <summary>Columns of the projection: the channels, z, β and the decay.</summary>
    internal int Columns => Channels + Heads * ValueWidth + 2 * Heads;

    /// <inheritdoc/>
    public override void Validate()
    {
        Require.That(KeyHeads > 0 && Heads > 0 && HeadWidth > 0 && ValueWidth > 0,
            $"gated_delta: sizes must be positive, but heads {KeyHeads} and {Heads}, widths {HeadWidth} and {ValueWidth}");
        Require.That(Math.Max(HeadWidth, ValueWidth) <= WidestHead && (long)KeyHeads * HeadWidth <= MostColumns / 8 && (long)Heads * ValueWidth <= MostColumns / 8,
            $"gated_delta: {KeyHeads} and {Heads} heads of {HeadWidth} and {ValueWidth} columns are beyond {MostColumns / 8}, or a head beyond {WidestHead}");
        Require.That(Heads % KeyHeads == 0, $"gated_delta: {KeyHeads} heads of keys do not divide {Heads} heads");
        Require.That(Kernel is > 0 and <= WidestHead, $"gated_delta: a channel must see 1 to {WidestHead} positions, but sees {Kernel}");
        Require.That(LengthEpsilon is > 0 and < float.PositiveInfinity, $"gated_delta: ε of lengths must be positive and finite, but it is {LengthEpsilon}");
        Norm.Validate();
    }

    internal override bool SeesPrefixes => false;

    internal override Mixer Make(Scope scope, int width) => new GatedDeltaMixer(this, scope, width);
}
