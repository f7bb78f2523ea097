namespace Lemma.Decoding;

/// <summary>As many requests wait as may: ask again later. A server answers 503.</summary>
public sealed class QueueFullException : Exception
{
    /// <summary>A full queue.</summary>
    public QueueFullException() : this("batcher: the queue is full") { }

    /// <summary>A full queue, in words.</summary>
    public QueueFullException(string message) : base(message) { }

    /// <summary>A full queue, in words, and what led to it.</summary>
    public QueueFullException(string message, Exception innerException) : base(message, innerException) { }
}
