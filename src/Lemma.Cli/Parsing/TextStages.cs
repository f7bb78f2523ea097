using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Cli.Parsing;

/// <summary>The stages of a tokenizer that options can name.</summary>
internal static class TextStages
{
    private static readonly (string Name, Func<Normalizer> Make)[] KnownNormalizers =
    [
        ("nfc", static () => new UnicodeFormNormalizer(UnicodeForm.Nfc)),
        ("nfd", static () => new UnicodeFormNormalizer(UnicodeForm.Nfd)),
        ("nfkc", static () => new UnicodeFormNormalizer(UnicodeForm.Nfkc)),
        ("nfkd", static () => new UnicodeFormNormalizer(UnicodeForm.Nfkd)),
        ("lowercase", static () => new LowercaseNormalizer()),
        ("strip-accents", static () => new StripAccentsNormalizer()),
        ("strip", static () => new StripNormalizer(true, true)),
        ("bert", static () => new BertNormalizer()),
    ];

    /// <summary>The names of normalizers; "none" is for no normalizer.</summary>
    public static IEnumerable<string> Normalizers => [.. KnownNormalizers.Select(static known => known.Name), "none"];

    /// <summary>The names of patterns.</summary>
    public static IEnumerable<string> Patterns => Enum.GetNames<WordPattern>().Select(static name => name.ToLowerInvariant());

    /// <summary>Normalizers by their names, one after another; null for none.</summary>
    public static Normalizer? NormalizerOf(string[] names)
    {
        if (names is ["none"])
            return null;
        Normalizer[] normalizers = [.. names.Select(name => Array.Find(KnownNormalizers, known => known.Name == name).Make?.Invoke()
            ?? throw new UsageException($"--normalizer: {string.Join(", ", Normalizers)} are known, none only by itself, but '{name}' was given"))];
        return normalizers is [Normalizer only] ? only : new SequenceNormalizer(normalizers);
    }

    /// <summary>Words by the name of a known pattern, or by a regular expression.</summary>
    public static Splitter WordsOf(string pattern)
    {
        if (Enum.TryParse(pattern, ignoreCase: true, out WordPattern known) && Patterns.Contains(pattern.ToLowerInvariant()))
            return PatternSplitter.Of(known);
        try
        {
            return PatternSplitter.OfRegex(pattern);
        }
        catch (ArgumentException error)
        {
            throw new UsageException($"--words: {error.Message}");
        }
    }
}
