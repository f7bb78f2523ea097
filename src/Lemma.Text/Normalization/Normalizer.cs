namespace Lemma.Text.Normalization;

/// <summary>The first stage of a tokenizer: text to the text that is split.</summary>
public abstract class Normalizer
{
    /// <summary>The normalized text; never null, may be longer or shorter than the text.</summary>
    public string Normalize(string text)
    {
        AlignedText aligned = new();
        aligned.Fill(text);
        Apply(aligned);
        return aligned.Text.ToString();
    }

    /// <summary>The form in which the text of an added token stands in normalized text.</summary>
    internal virtual string NormalizeToken(string token) => Normalize(token);

    /// <summary>Whether what stands before a space and what begins with it are rewritten each by itself.</summary>
    internal virtual bool IsLocal => false;

    /// <summary>Normalizes in place, and keeps where characters came from.</summary>
    public abstract void Apply(AlignedText text);
}

/// <summary>Puts a fixed text before every text that is not empty.</summary>
/// <param name="text">What is put in front; not empty.</param>
public sealed class PrependNormalizer(string text) : Normalizer
{
    /// <summary>What is put in front.</summary>
    public string Text { get; } = text;

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        if (text.Text.IsEmpty)
            return;
        text.BeginRewrite();
        text.Prepend(Text, 0);
        text.Keep(0, text.Text.Length);
        text.EndRewrite();
    }
}

/// <summary>Normalizers one after another.</summary>
/// <param name="normalizers">In the order in which they run.</param>
public sealed class SequenceNormalizer(IReadOnlyList<Normalizer> normalizers) : Normalizer
{
    /// <summary>The normalizers in the order in which they run.</summary>
    public IReadOnlyList<Normalizer> Normalizers { get; } = normalizers;

    internal override bool IsLocal => Normalizers.All(static normalizer => normalizer.IsLocal);

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        foreach (Normalizer normalizer in Normalizers)
            normalizer.Apply(text);
    }
}
