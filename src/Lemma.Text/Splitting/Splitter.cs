namespace Lemma.Text.Splitting;

/// <summary>The second stage of a tokenizer: normalized text to the pieces that the model encodes one by one.</summary>
public abstract class Splitter
{
    /// <summary>Splits every piece of the buffer further; may rewrite the pieces' text.</summary>
    public abstract void Split(SplitBuffer buffer);

    /// <summary>Whether a space behind another character always begins a piece, so that the parts of a text may be split each by itself.</summary>
    internal virtual bool CutsAtSpaces => false;
}

/// <summary>Splitters one after another, each on the pieces of the one before.</summary>
/// <param name="splitters">In the order in which they run.</param>
public sealed class SequenceSplitter(IReadOnlyList<Splitter> splitters) : Splitter
{
    /// <summary>The splitters in the order in which they run.</summary>
    public IReadOnlyList<Splitter> Splitters { get; } = splitters;

    internal override bool CutsAtSpaces => Splitters.Count > 0 && Splitters[0].CutsAtSpaces;

    /// <inheritdoc/>
    public override void Split(SplitBuffer buffer)
    {
        foreach (Splitter splitter in Splitters)
            splitter.Split(buffer);
    }
}
