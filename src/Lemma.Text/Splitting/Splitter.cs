namespace Lemma.Text.Splitting;

/// <summary>The second stage of a tokenizer: normalized text to the pieces that the model encodes one by one.</summary>
public abstract class Splitter
{
    /// <summary>Splits every piece of the buffer further; may rewrite the pieces' text.</summary>
    public abstract void Split(SplitBuffer buffer);
}

/// <summary>Splitters one after another, each on the pieces of the one before.</summary>
/// <param name="splitters">In the order in which they run.</param>
public sealed class SequenceSplitter(IReadOnlyList<Splitter> splitters) : Splitter
{
    /// <summary>The splitters in the order in which they run.</summary>
    public IReadOnlyList<Splitter> Splitters { get; } = splitters;

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        foreach (Splitter splitter in Splitters)
            splitter.Split(buffer);
    }
}
