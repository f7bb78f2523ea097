namespace Lemma.Text.Templates;

/// <summary>What a template may use while it renders one conversation.</summary>
public sealed record TemplateLimits
{
    // Copying so many units takes about as long as an expression does.
    internal const int TextOfAStep = 32;

    /// <summary>Steps: an expression or a statement is one, 32 UTF-16 units of a text that is made are one, an element of a list is
    /// one.</summary>
    public long Steps { get; init; } = 20_000_000;

    /// <summary>UTF-16 units of the output, and of any single text.</summary>
    public int Length { get; init; } = 16_000_000;

    /// <summary>How deep expressions, statements, macros and values may nest.</summary>
    public int Depth { get; init; } = 1000;
}
