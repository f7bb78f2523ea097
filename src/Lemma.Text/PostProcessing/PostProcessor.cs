namespace Lemma.Text.PostProcessing;

/// <summary>The stage that puts special tokens around the ids of a text.</summary>
public abstract class PostProcessor
{
    /// <summary>Puts special tokens around the ids from <paramref name="start"/> to the end of the list.</summary>
    public abstract void Process(List<int> ids, int start);
}

/// <summary>Adds nothing: the byte-level stage only trims character offsets, which ids do not have.</summary>
/// <param name="addPrefixSpace">As in the file; without effect on ids.</param>
/// <param name="trimOffsets">As in the file; without effect on ids.</param>
public sealed class ByteLevelPostProcessor(bool addPrefixSpace, bool trimOffsets) : PostProcessor
{
    /// <summary>As in the file; without effect on ids.</summary>
    public bool AddPrefixSpace { get; } = addPrefixSpace;

    /// <summary>As in the file; without effect on ids.</summary>
    public bool TrimOffsets { get; } = trimOffsets;

    /// <inheritdoc/>
    public override void Process(List<int> ids, int start)
    {
    }
}

/// <summary>Post-processors one after another.</summary>
/// <param name="postProcessors">In the order in which they run.</param>
public sealed class SequencePostProcessor(IReadOnlyList<PostProcessor> postProcessors) : PostProcessor
{
    /// <summary>The post-processors in the order in which they run.</summary>
    public IReadOnlyList<PostProcessor> PostProcessors { get; } = postProcessors;

    /// <inheritdoc/>
    public override void Process(List<int> ids, int start)
    {
        foreach (PostProcessor postProcessor in PostProcessors)
            postProcessor.Process(ids, start);
    }
}
