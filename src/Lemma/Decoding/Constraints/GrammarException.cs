namespace Lemma.Decoding.Constraints;

/// <summary>A grammar, a regular expression, a schema or a list that cannot be used: malformed, not supported, too large, or matched by no text.</summary>
/// <param name="message">The rule, the place and the actual value.</param>
public sealed class GrammarException(string message) : ArgumentException(message);
