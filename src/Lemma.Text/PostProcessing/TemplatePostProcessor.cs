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
    /// <summary>A template for one sequence, one for two, and the special tokens that both name.</summary>
    /// <exception cref="ArgumentException">The single template has not exactly one sequence "A", or a token is unknown.</exception>
    public TemplatePostProcessor(
        IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart> pair, IReadOnlyList<TemplateToken> tokens)
    {
        (Single, Pair, Tokens) = (single, pair, tokens);
        int sequences = single.Count(static part => part.IsSequence);
        if (sequences != 1 || single.Any(static part => part.IsSequence && part.Name != "A"))
            throw new ArgumentException("template: the single template must have the sequence A once and no other"
                + (sequences == 0 ? ", but has none" : ""));
        if (pair.FirstOrDefault(static part => part.IsSequence && part.Name is not ("A" or "B")) is TemplatePart other)
            throw new ArgumentException($"template: a sequence must be A or B, but is '{other.Name}'");
        (ForSingle, ForPair) = ([.. single.SelectMany(Items)], [.. pair.SelectMany(Items)]);
    }

    /// <summary>The template for one sequence.</summary>
    public IReadOnlyList<TemplatePart> Single { get; }

    /// <summary>The template for two sequences.</summary>
    public IReadOnlyList<TemplatePart> Pair { get; }

    /// <summary>The special tokens that the templates name.</summary>
    public IReadOnlyList<TemplateToken> Tokens { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForSingle { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForPair { get; }

    private IEnumerable<TemplateItem> Items(TemplatePart part) => part.IsSequence
        ? [new TemplateItem(part.Name[0], 0, part.TypeId)]
        : IdsOf(part).Select(id => new TemplateItem('\0', id, part.TypeId));

    private IReadOnlyList<int> IdsOf(TemplatePart part)
    {
        foreach (TemplateToken token in Tokens)
            if (token.Name == part.Name)
                return token.Ids;
        throw new ArgumentException($"template: the special token '{part.Name}' is not among the template's special_tokens");
    }
}
