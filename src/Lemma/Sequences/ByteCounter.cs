namespace Lemma.Sequences;

/// <summary>The bytes that some states hold together, pages that they share counted once.</summary>
internal sealed class ByteCounter
{
    private long bytes;

    /// <summary>What is held now.</summary>
    public long Bytes => Volatile.Read(ref bytes);

    /// <summary>Counts memory that was taken, or given back where it is negative.</summary>
    public void Add(long more) => Interlocked.Add(ref bytes, more);
}
