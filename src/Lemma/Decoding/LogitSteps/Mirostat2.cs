namespace Lemma.Decoding;

/// <summary>Keeps the ids with −log₂p ≤ μ, then μ ← μ − η·(−log₂p − τ) with the p of the drawn id: its surprise stays near τ bits.</summary>
/// <remarks>
/// Basu et al. 2020, "Mirostat", in its second form, where the likelier ids are kept by their surprise alone. μ begins at 2τ and belongs to the text. p is the
/// probability among what was kept, as in llama.cpp; the step stands last.
/// </remarks>
public sealed record Mirostat2 : LogitStep
{
    /// <summary>Keeps by a target and a rate, both positive.</summary>
    public Mirostat2(double target = 5, double rate = 0.1)
    {
        Require.That(target > 0 && double.IsFinite(target), $"mirostat: the target must be positive, but it is {target}");
        Require.That(rate > 0 && double.IsFinite(rate), $"mirostat: the rate must be positive, but it is {rate}");
        (Target, Rate) = (target, rate);
    }

    /// <summary>τ, in bits.</summary>
    public double Target { get; }

    /// <summary>η.</summary>
    public double Rate { get; }

    /// <inheritdoc/>
    public override int MemorySize() => 1;

    /// <inheritdoc/>
    public override void Begin(Span<double> memory) => memory[0] = 2 * Target;

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        Require.That(context.Memory.Length == MemorySize(),
            $"mirostat: it remembers {MemorySize()} number of a text, but there is room for {context.Memory.Length}");
        candidates.KeepAtLeast(candidates.LargestLogit + candidates.LogTotal - (context.Memory[0] * Math.Log(2)));
    }

    /// <inheritdoc/>
    public override void Drawn(double probability, Span<double> memory) => memory[0] -= Rate * (-Math.Log2(probability) - Target);
}
