namespace Lemma.Text.PostProcessing;

/// <summary>A part of a template: a sequence of ids ("A" or "B") or a special token, with the segment it belongs to.</summary>
/// <param name="Name">"A", "B" or the name of a special token.</param>
/// <param name="IsSequence">Whether the name is that of a sequence.</param>
/// <param name="TypeId">The segment number, for models that have segments.</param>
public sealed record TemplatePart(string Name, bool IsSequence, int TypeId);

/// <summary>A special token of a template: the ids that it stands for and their pieces.</summary>
/// <param name="Name">The name that templates use.</param>
/// <param name="Ids">One id or more.</param>
/// <param name="Pieces">The piece of each id.</param>
public sealed record TemplateToken(string Name, IReadOnlyList<int> Ids, IReadOnlyList<string> Pieces);

/// <summary>Writes the ids of a text into a template of special tokens, such as &lt;s&gt; A &lt;/s&gt;.</summary>
public sealed class TemplatePostProcessor : PostProcessor
{
    private readonly int[] before, after;

    /// <summary>A template for one sequence, one for two, and the special tokens that both name.</summary>
    /// <exception cref="ArgumentException">The single template has not exactly one sequence "A", or a token is unknown.</exception>
    public TemplatePostProcessor(
        IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart> pair, IReadOnlyList<TemplateToken> tokens)
    {
        (Single, Pair, Tokens) = (single, pair, tokens);
        int sequence = -1;
        for (int i = 0; i < single.Count; i++)
            if (single[i].IsSequence)
            {
                if (sequence >= 0 || single[i].Name != "A")
                    throw new ArgumentException("template: the single template must have the sequence A once and no other");
                sequence = i;
            }
        if (sequence < 0)
            throw new ArgumentException("template: the single template must have the sequence A once, but has none");
        before = [.. single.Take(sequence).SelectMany(IdsOf)];
        after = [.. single.Skip(sequence + 1).SelectMany(IdsOf)];
        foreach (TemplatePart part in pair)
            if (!part.IsSequence)
                _ = IdsOf(part);
    }

    /// <summary>The template for one sequence.</summary>
    public IReadOnlyList<TemplatePart> Single { get; }

    /// <summary>The template for two sequences.</summary>
    public IReadOnlyList<TemplatePart> Pair { get; }

    /// <summary>The special tokens that the templates name.</summary>
    public IReadOnlyList<TemplateToken> Tokens { get; }

    /// <inheritdoc/>
    public override void Process(List<int> ids, int start)
    {
        ids.InsertRange(start, before);
        ids.AddRange(after);
    }

    private IReadOnlyList<int> IdsOf(TemplatePart part)
    {
        foreach (TemplateToken token in Tokens)
            if (token.Name == part.Name)
                return token.Ids;
        throw new ArgumentException($"template: the special token '{part.Name}' is not among the template's special_tokens");
    }
}
