namespace Lemma.Text.Normalization;

/// <summary>The first stage of a tokenizer: text to the text that is split.</summary>
public abstract class Normalizer
{
    /// <summary>The normalized text; never null, may be longer or shorter than the text.</summary>
    public abstract string Normalize(string text);
}

/// <summary>Puts a fixed text before every text that is not empty.</summary>
/// <param name="text">What is put in front; not empty.</param>
public sealed class PrependNormalizer(string text) : Normalizer
{
    /// <summary>What is put in front.</summary>
    public string Text { get; } = text;

    /// <inheritdoc/>
    public override string Normalize(string text) => text.Length == 0 ? text : Text + text;
}

/// <summary>Replaces every occurrence of a fixed text, from left to right.</summary>
public sealed class ReplaceNormalizer : Normalizer
{
    /// <summary>Replaces <paramref name="pattern"/>, which must not be empty, by <paramref name="content"/>.</summary>
    public ReplaceNormalizer(string pattern, string content)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        ArgumentNullException.ThrowIfNull(content);
        (Pattern, Content) = (pattern, content);
    }

    /// <summary>What is replaced, compared by code units.</summary>
    public string Pattern { get; }

    /// <summary>What stands in its place; may be empty.</summary>
    public string Content { get; }

    /// <inheritdoc/>
    public override string Normalize(string text) => text.Replace(Pattern, Content, StringComparison.Ordinal);
}

/// <summary>Normalizers one after another.</summary>
/// <param name="normalizers">In the order in which they run.</param>
public sealed class SequenceNormalizer(IReadOnlyList<Normalizer> normalizers) : Normalizer
{
    /// <summary>The normalizers in the order in which they run.</summary>
    public IReadOnlyList<Normalizer> Normalizers { get; } = normalizers;

    /// <inheritdoc/>
    public override string Normalize(string text)
    {
        foreach (Normalizer normalizer in Normalizers)
            text = normalizer.Normalize(text);
        return text;
    }
}
