namespace Lemma.Text.PostProcessing;

/// <summary>The stage that puts special tokens around the ids of a text or of two.</summary>
public abstract class PostProcessor
{
    /// <summary>What stands around one text; the text is the part "A".</summary>
    public abstract IReadOnlyList<TemplateItem> ForSingle { get; }

    /// <summary>What stands around two texts, the parts "A" and "B".</summary>
    public abstract IReadOnlyList<TemplateItem> ForPair { get; }

    /// <summary>Whether offsets leave out the spaces at the ends of a token.</summary>
    public virtual bool TrimsOffsets => false;

    /// <summary>Whether a space was put before the text, so that offsets keep the one there.</summary>
    internal virtual bool AddsPrefixSpace => false;

    /// <summary>Whether it adds tokens to one text.</summary>
    public bool AddsTokens => ForSingle.Any(static item => item.Sequence == '\0');

    /// <summary>Puts special tokens around the ids from <paramref name="start"/> to the end of the list.</summary>
    public void Process(List<int> ids, int start)
    {
        int at = start;
        bool after = false;
        foreach (TemplateItem item in ForSingle)
            if (item.Sequence != '\0')
                after = true;
            else if (after)
                ids.Add(item.Id);
            else
                ids.Insert(at++, item.Id);
    }
}

/// <summary>One part of what a post-processor builds: a text, or a special token.</summary>
/// <param name="Sequence">'A' or 'B' for a text, '\0' for a special token.</param>
/// <param name="Id">The id of the special token.</param>
/// <param name="TypeId">The number of the segment.</param>
public readonly record struct TemplateItem(char Sequence, int Id, int TypeId);

/// <summary>Adds nothing: the byte-level stage only trims offsets.</summary>
/// <param name="addPrefixSpace">As in the file; without effect on ids.</param>
/// <param name="trimOffsets">Whether offsets leave out the spaces at the ends of a token.</param>
public sealed class ByteLevelPostProcessor(bool addPrefixSpace, bool trimOffsets) : PostProcessor
{
    internal static readonly TemplateItem[] PlainSingle = [new('A', 0, 0)], PlainPair = [new('A', 0, 0), new('B', 0, 1)];

    /// <summary>As in the file; without effect on ids.</summary>
    public bool AddPrefixSpace { get; } = addPrefixSpace;

    internal override bool AddsPrefixSpace => AddPrefixSpace;

    /// <inheritdoc/>
    public override bool TrimsOffsets { get; } = trimOffsets;

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForSingle => PlainSingle;

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForPair => PlainPair;
}

/// <summary>BERT's frame: [CLS] A [SEP], and for two texts [CLS] A [SEP] B [SEP] with B in segment 1.</summary>
/// <param name="separator">The piece and the id of the separator.</param>
/// <param name="classifier">The piece and the id of the token in front.</param>
public sealed class BertPostProcessor((string Piece, int Id) separator, (string Piece, int Id) classifier) : PostProcessor
{
    /// <summary>The piece and the id of the separator.</summary>
    public (string Piece, int Id) Separator { get; } = separator;

    /// <summary>The piece and the id of the token in front.</summary>
    public (string Piece, int Id) Classifier { get; } = classifier;

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForSingle { get; } =
        [new('\0', classifier.Id, 0), new('A', 0, 0), new('\0', separator.Id, 0)];

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForPair { get; } =
        [new('\0', classifier.Id, 0), new('A', 0, 0), new('\0', separator.Id, 0), new('B', 0, 1), new('\0', separator.Id, 1)];
}

/// <summary>RoBERTa's frame: &lt;s&gt; A &lt;/s&gt;, and for two texts &lt;s&gt; A &lt;/s&gt; &lt;/s&gt; B &lt;/s&gt;, all in segment 0.</summary>
/// <param name="separator">The piece and the id of the separator.</param>
/// <param name="classifier">The piece and the id of the token in front.</param>
/// <param name="trimOffsets">Whether offsets leave out the spaces at the ends of a token.</param>
/// <param name="addPrefixSpace">As in the file; without effect on ids.</param>
public sealed class RobertaPostProcessor(
    (string Piece, int Id) separator, (string Piece, int Id) classifier, bool trimOffsets = true, bool addPrefixSpace = true)
    : PostProcessor
{
    /// <summary>The piece and the id of the separator.</summary>
    public (string Piece, int Id) Separator { get; } = separator;

    /// <summary>The piece and the id of the token in front.</summary>
    public (string Piece, int Id) Classifier { get; } = classifier;

    /// <summary>As in the file; without effect on ids.</summary>
    public bool AddPrefixSpace { get; } = addPrefixSpace;

    internal override bool AddsPrefixSpace => AddPrefixSpace;

    /// <inheritdoc/>
    public override bool TrimsOffsets { get; } = trimOffsets;

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForSingle { get; } =
        [new('\0', classifier.Id, 0), new('A', 0, 0), new('\0', separator.Id, 0)];

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForPair { get; } =
    [
        new('\0', classifier.Id, 0), new('A', 0, 0), new('\0', separator.Id, 0), new('\0', separator.Id, 0), new('B', 0, 0),
        new('\0', separator.Id, 0),
    ];
}

/// <summary>Post-processors one after another, of which one at most adds tokens.</summary>
public sealed class SequencePostProcessor : PostProcessor
{
    private readonly PostProcessor? adding;

    /// <summary>Post-processors in the order in which they run.</summary>
    /// <exception cref="ArgumentException">More than one adds tokens.</exception>
    public SequencePostProcessor(IReadOnlyList<PostProcessor> postProcessors)
    {
        PostProcessors = postProcessors;
        PostProcessor[] all = [.. postProcessors.Where(static one => one.AddsTokens || one is TemplatePostProcessor)];
        if (all.Length > 1)
            throw new ArgumentException($"post-processor: one of a sequence may add tokens, but {all.Length} do");
        adding = all.FirstOrDefault();
    }

    /// <summary>The post-processors in the order in which they run.</summary>
    public IReadOnlyList<PostProcessor> PostProcessors { get; }

    /// <inheritdoc/>
    public override bool TrimsOffsets => PostProcessors.Any(static one => one.TrimsOffsets);

    internal override bool AddsPrefixSpace => PostProcessors.Any(static one => one is { TrimsOffsets: true, AddsPrefixSpace: true });

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForSingle => adding?.ForSingle ?? ByteLevelPostProcessor.PlainSingle;

    /// <inheritdoc/>
    public override IReadOnlyList<TemplateItem> ForPair => adding?.ForPair ?? ByteLevelPostProcessor.PlainPair;
}
