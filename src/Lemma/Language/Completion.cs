using Lemma.Decoding;

namespace Lemma.Language;

/// <summary>One continuation of a prompt.</summary>
/// <param name="Text">What was added.</param>
/// <param name="Ids">Its ids; where a text ended it, those of that text among them.</param>
public sealed record Completion(string Text, IReadOnlyList<int> Ids)
{
    /// <summary>The text that ended it; null where none did.</summary>
    public string? Stop { get; init; }

    /// <summary>Each id with its log-probability and those of the likeliest; empty where they were not asked for.</summary>
    public IReadOnlyList<TokenChoice> Choices { get; init; } = [];

    /// <summary>Of a beam: what beams were compared by, Σ log p/n^α. Null otherwise.</summary>
    public double? Score { get; init; }
}

/// <summary>An id that was chosen, beside those that were likeliest.</summary>
/// <param name="Chosen">The id.</param>
/// <param name="Likeliest">The likeliest ids there, the likeliest first.</param>
public sealed record TokenChoice(TokenLogProbability Chosen, IReadOnlyList<TokenLogProbability> Likeliest);
