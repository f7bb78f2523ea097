using System.Globalization;

namespace Lemma.Sequences;

/// <summary>What a model keeps of one sequence between passes; each layer keeps its own kind.</summary>
/// <remarks>
/// Made by a model's <c>NewState</c> in its <c>CacheFormat</c>, and of use to that model alone.
/// A state serves one pass at a time. Memory grows with the sequence, a page of 192
/// tokens at a time; a fork shares the pages until one of both writes to them.
/// </remarks>
public sealed class SequenceState : IDisposable
{
    private readonly object owner;
    private readonly LayerState[] layers;
    private bool isDisposed;

    internal SequenceState(object owner, LayerState[] layers, int length = 0) => (this.owner, this.layers, Length) = (owner, layers, length);

    /// <summary>Tokens that are kept.</summary>
    public int Length { get; private set; }

    /// <summary>How many first tokens were read as a prefix, which all of them see: it is kept whole.</summary>
    internal int Prefix { get; private set; }

    /// <summary>Bytes that the state holds, shared pages counted in every state that shares them.</summary>
    public long Bytes => layers.Sum(layer => layer.Bytes);

    /// <summary>Adds the bytes that this state and its forks hold to a counter, shared pages once; before anything was read.</summary>
    internal void CountIn(ByteCounter counter)
    {
        foreach (LayerState layer in layers)
            layer.CountIn(counter);
    }

    /// <summary>The bytes that reading further tokens takes beside those that are held: pages that begin, and those that are shared and written to.</summary>
    internal long BytesToRead(int tokens) => layers.Sum(layer => layer.BytesToRead(Length, Length + tokens));

    /// <summary>Forgets all but the first tokens.</summary>
    /// <exception cref="ArgumentException">The number is negative, larger than <see cref="Length"/>, or inside a prefix or what a layer needs.</exception>
    public void Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        // Every layer is asked first, so that a refusal leaves all as they were.
        if (WhyNotCut(length) is { } reason)
            throw new ArgumentException(reason);
        foreach (LayerState layer in layers)
            layer.Truncate(length);
        (Length, Prefix) = (length, length == 0 ? 0 : Prefix);
    }

    /// <summary>Whether <see cref="Truncate"/> would go.</summary>
    public bool CanTruncate(int length)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        return WhyNotCut(length) is null;
    }

    /// <summary>A state with the same tokens, which goes on by itself.</summary>
    public SequenceState Fork()
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        return new SequenceState(owner, [.. layers.Select(layer => layer.Fork())], Length) { Prefix = Prefix };
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        foreach (LayerState layer in layers)
            layer.Dispose();
    }

    /// <summary>Refuses a state that was disposed or belongs to another model.</summary>
    internal void RequireOwner(object model)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        Require.That(ReferenceEquals(owner, model), $"state: it belongs to another model");
    }

    private string? WhyNotCut(int length) =>
        length < 0 || length > Length ? string.Create(CultureInfo.InvariantCulture, $"state: it holds {Length} tokens, so it cannot be cut to {length}")
        : length > 0 && length < Prefix ? string.Create(CultureInfo.InvariantCulture,
            $"state: its prefix of {Prefix} tokens was read as a whole, so it cannot be cut to {length}")
        : layers.Select(layer => layer.WhyNotCut(Length, length)).FirstOrDefault(reason => reason is not null);

    internal LayerState Layer(int index) => layers[index];

    /// <summary>Counts tokens that every layer has written, of which the first may be a prefix.</summary>
    internal void Advance(int tokens, int prefix = 0) => (Length, Prefix) = (Length + tokens, Math.Max(Prefix, prefix));
}

/// <summary>What one layer keeps of one sequence.</summary>
internal abstract class LayerState : IDisposable
{
    public abstract long Bytes { get; }

    /// <summary>Why this layer cannot make a cut; null where it can.</summary>
    public virtual string? WhyNotCut(int from, int to) => null;

    /// <summary>The bytes that a sequence of some tokens needs in a format, read one by one.</summary>
    public abstract long BytesAt(int length, CacheFormat format);

    /// <summary>Whether tokens can be taken back at all.</summary>
    public virtual bool CanBeCut => true;

    /// <summary>Adds the bytes that this state and its forks hold to a counter from now on.</summary>
    public abstract void CountIn(ByteCounter counter);

    /// <summary>The bytes that reading from a length to another one takes beside those that are held.</summary>
    public virtual long BytesToRead(int from, int to) => 0;

    public abstract void Truncate(int length);

    public abstract LayerState Fork();

    public abstract void Dispose();
}
