namespace Lemma.Text.Splitting;

/// <summary>The patterns of words that have a hand-written scanner.</summary>
public enum WordPattern
{
    /// <summary>GPT-2's, which r50k and p50k share.</summary>
    Gpt2,

    /// <summary>That of cl100k and Llama 3.</summary>
    Cl100k,

    /// <summary>Qwen's: cl100k's with every number alone.</summary>
    Qwen,

    /// <summary>That of o200k.</summary>
    O200k,
}

/// <summary>The regular expressions of known patterns.</summary>
public static class WordPatterns
{
    private const string Gpt2 = @"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string SpacesAndLines = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Folded = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", Prefix = @"[^\r\n\p{L}\p{N}]?";

    private static readonly Dictionary<string, WordPattern> Known = new(StringComparer.Ordinal)
    {
        [Gpt2] = WordPattern.Gpt2,
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = WordPattern.Gpt2,
        [TextOf(WordPattern.Cl100k)] = WordPattern.Cl100k,
        [@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"] = WordPattern.Cl100k,
        [TextOf(WordPattern.Qwen)] = WordPattern.Qwen,
        [TextOf(WordPattern.O200k)] = WordPattern.O200k,
    };

    /// <summary>The pattern that a regular expression is, or null when it is another.</summary>
    public static WordPattern? Recognize(string expression) => Known.TryGetValue(expression, out WordPattern pattern) ? pattern : null;

    /// <summary>The regular expression of a pattern.</summary>
    public static string TextOf(WordPattern pattern) => pattern switch
    {
        WordPattern.Gpt2 => Gpt2,
        WordPattern.Cl100k => Folded + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SpacesAndLines,
        WordPattern.Qwen => Folded + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SpacesAndLines,
        WordPattern.O200k => $"{Prefix}{Upper}*{Lower}+{Folded}?|{Prefix}{Upper}+{Lower}*{Folded}?"
            + @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SpacesAndLines,
        _ => throw new ArgumentOutOfRangeException(nameof(pattern), $"split: there is no pattern {pattern}"),
    };

    /// <summary>The scanner of a pattern.</summary>
    internal static ScanNext ScannerOf(WordPattern pattern) => pattern switch
    {
        WordPattern.Gpt2 => Gpt2Scanner.EndOfNext,
        WordPattern.Cl100k => Cl100kScanner.EndOfNext,
        WordPattern.Qwen => QwenScanner.EndOfNext,
        _ => O200kScanner.EndOfNext,
    };
}
