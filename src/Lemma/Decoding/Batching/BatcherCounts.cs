namespace Lemma.Decoding;

/// <summary>What a batcher does and has done.</summary>
public readonly record struct BatcherCounts
{
    /// <summary>Requests that run.</summary>
    public int Running { get; init; }

    /// <summary>Texts of them that hold a state.</summary>
    public int Sequences { get; init; }

    /// <summary>Requests that wait.</summary>
    public int Waiting { get; init; }

    /// <summary>Passes so far.</summary>
    public long Passes { get; init; }

    /// <summary>Rows that passes read, prompts and made ids.</summary>
    public long Read { get; init; }

    /// <summary>Ids that were made.</summary>
    public long Made { get; init; }

    /// <summary>Ids of prompts that were not read, since a state had them.</summary>
    public long Cached { get; init; }

    /// <summary>Ids that were guessed ahead.</summary>
    public long Guessed { get; init; }

    /// <summary>Ids among them that came.</summary>
    public long Right { get; init; }

    /// <summary>States that were dropped for others and are read again.</summary>
    public long Preempted { get; init; }

    /// <summary>Requests that ended, by themselves, cancelled or failed.</summary>
    public long Ended { get; init; }

    /// <summary>Bytes of all states.</summary>
    public long StateBytes { get; init; }

    /// <summary>States that are kept for their prefixes.</summary>
    public int Prefixes { get; init; }
}
