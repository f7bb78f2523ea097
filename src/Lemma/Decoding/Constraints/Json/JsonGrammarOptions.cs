namespace Lemma.Decoding.Constraints;

/// <summary>How JSON is written.</summary>
public sealed record JsonGrammarOptions
{
    /// <summary>Whether white space may stand behind {, [, the comma and the colon and before } and ].</summary>
    /// <remarks>It is one space, or a line feed and up to <see cref="MaximumIndent"/> spaces.
    /// None is ever needed, so the most compact form is always there.</remarks>
    public bool AllowsWhitespace { get; init; } = true;

    /// <summary>The most spaces of an indent.</summary>
    public int MaximumIndent { get; init; } = 32;

    /// <summary>What the grammar may take.</summary>
    public GrammarLimits Limits { get; init; } = GrammarLimits.Default;
}
