using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>A prompt that a batcher continues: its ids as they come.</summary>
/// <remarks>Read it once, on any thread. What is not read waits; a reader that leaves before the end cancels it.</remarks>
public sealed class BatchRequest
{
    private readonly Channel<BatchEvent> events = Channel.CreateUnbounded<BatchEvent>(new() { SingleReader = true, SingleWriter = true });
    private readonly Batcher batcher;
    private readonly bool[] ends;
    private volatile bool isCancelled, hasEnds;
    private CancellationTokenRegistration registration;
    private int readers;
    private bool isComplete;

    internal BatchRequest(Batcher batcher, ReadOnlyMemory<int> prompt, GenerationOptions options, int count, int priority, Adapter? adapter, bool tellsPrompt)
    {
        (this.batcher, Prompt, Options, Count, Priority, Adapter, TellsPrompt) = (batcher, prompt, options, count, priority, adapter, tellsPrompt);
        ends = new bool[count];
    }

    /// <summary>The ids that are continued.</summary>
    public ReadOnlyMemory<int> Prompt { get; }

    /// <summary>How.</summary>
    public GenerationOptions Options { get; }

    /// <summary>How many texts continue it.</summary>
    public int Count { get; }

    /// <summary>Higher ones go first.</summary>
    public int Priority { get; }

    /// <summary>What changes the model for it; null for nothing.</summary>
    public Adapter? Adapter { get; }

    /// <summary>Whether the ids of the prompt are told with their log-probabilities (<see cref="BatchEvent.IsPrompt"/>).</summary>
    public bool TellsPrompt { get; }

    /// <summary>What it took so far; all of it once its events have ended.</summary>
    public BatchUsage Usage =>
        new(Prompt.Length, Volatile.Read(ref CachedIds), Volatile.Read(ref MadeIds), Volatile.Read(ref GuessedIds), Volatile.Read(ref RightIds));

    /// <summary>Its ids and ends, those of all its texts, until the last has ended.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The batcher was disposed.</exception>
    /// <exception cref="InvalidOperationException">It is read already.</exception>
    public async IAsyncEnumerable<BatchEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (Interlocked.Exchange(ref readers, 1) != 0)
            throw new InvalidOperationException("batcher: the events of a request are read once");
        try
        {
            while (await events.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                while (events.Reader.TryRead(out BatchEvent one))
                    yield return one;
            }
        }
        finally
        {
            Cancel();
        }
    }

    /// <summary>Ends it; its states are given back before the next pass. Of one that has ended nothing happens.</summary>
    public void Cancel()
    {
        if (isCancelled || events.Reader.Completion.IsCompleted)
            return;
        isCancelled = true;
        batcher.Wake();
    }

    /// <summary>Ends one text before the next pass, such as where a text to stop at came; the others go on.</summary>
    public void End(int sequence)
    {
        Require.That(sequence >= 0 && sequence < Count, $"batcher: a request of {Count} texts has no text {sequence}");
        Volatile.Write(ref ends[sequence], true);
        hasEnds = true;
        batcher.Wake();
    }

    // What the batcher's own thread sets.
    internal int CachedIds, MadeIds, GuessedIds, RightIds;

    /// <summary>When it came.</summary>
    internal long Arrival { get; init; }

    /// <summary>Whether its caller left it.</summary>
    internal bool IsCancelled => isCancelled;

    /// <summary>Why it failed, once it did.</summary>
    internal Exception? Failure { get; set; }

    /// <summary>Texts that have not ended.</summary>
    internal int Open { get; set; }

    /// <summary>Whether the caller ended a text.</summary>
    internal bool IsEnded(int sequence) => hasEnds && Volatile.Read(ref ends[sequence]);

    /// <summary>Cancels it with a token.</summary>
    internal void CancelWith(CancellationToken cancellation)
    {
        if (!cancellation.CanBeCanceled)
            return;
        CancellationTokenRegistration own = cancellation.UnsafeRegister(static request => ((BatchRequest)request!).Cancel(), this);
        lock (ends)
        {
            registration = own;
            // It may have ended before anybody registered: a token that lives on must not hold it.
            if (isComplete)
                own.Unregister();
        }
    }

    internal void Tell(BatchEvent one) => events.Writer.TryWrite(one);

    /// <summary>Ends its events; the exception is the reader's.</summary>
    internal void Complete(Exception? failure)
    {
        lock (ends)
        {
            isComplete = true;
            registration.Unregister();
        }
        events.Writer.TryComplete(failure);
    }
}
