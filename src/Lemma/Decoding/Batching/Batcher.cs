using Lemma.Compute;
using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>Continues many prompts at once: each pass of the model reads rows of all of them, and requests join and leave between passes.</summary>
/// <remarks>
/// The ids of a request depend on the weights, the prompt, the options and the seed, and on nothing else that runs: they are those of a
/// <see cref="Generator"/>. Prompts are read in pieces beside running texts; what a prompt shares with one that was read before is not read again. A thread of
/// its own runs the passes; any thread may submit. The model and the workers stay the caller's, and the workers serve nobody else meanwhile. Yu et al. 2022,
/// "Orca"; Agrawal et al. 2023, "Sarathi", for pieces of prompts; Zheng et al. 2023, "SGLang", for the tree of prefixes.
/// </remarks>
public sealed class Batcher : IDisposable
{
    private readonly BatchScheduler scheduler;
    private readonly BatcherOptions options;
    private readonly Parameters parameters;
    private readonly object gate = new();
    private readonly List<BatchRequest> inbox = [];
    private readonly Thread? thread;
    private BatcherCounts counts;
    private long arrivals;
    private int waiting;
    private bool isStopping, isWoken;
    private Exception? broken;

    /// <summary>A batcher for a model, which starts its thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="options">What it may take; null for the usual.</param>
    /// <param name="ids">How many ids may be drawn: those of the tokenizer, where the model has further ones that stand for nothing. Null for all.</param>
    public Batcher(Decoder model, Workers workers, BatcherOptions? options = null, int? ids = null) : this(model, workers, options, ids, startsThread: true)
    {
    }

    /// <summary>A batcher whose passes are run by <see cref="Step"/> alone where no thread is started.</summary>
    internal Batcher(Decoder model, Workers workers, BatcherOptions? options, int? ids, bool startsThread)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(workers);
        Require.That(ids is null || (ids > 0 && ids <= model.VocabularySize),
            $"batcher: the ids that may be drawn must be from 1 to {model.VocabularySize}, but they are {ids}");
        this.options = options ?? new BatcherOptions();
        parameters = model.Parameters;
        scheduler = new BatchScheduler(model, workers, this.options, ids ?? model.VocabularySize);
        if (!startsThread)
            return;
        thread = new Thread(Run, 4 << 20) { IsBackground = true, Name = "lemma batcher" };
        thread.Start();
    }

    /// <summary>Continues a prompt, or lets it wait for its turn.</summary>
    /// <param name="prompt">At least one id; copied.</param>
    /// <param name="generation">How. One text may have a <see cref="GenerationOptions.Speculator"/> of its own.</param>
    /// <param name="count">How many texts continue it; the prompt is read once, and the seed of each is that of the options and its number.</param>
    /// <param name="priority">Higher ones go first; those of one priority take turns.</param>
    /// <param name="adapter">What changes the model for this request alone; null for nothing. It must live until the request has ended.</param>
    /// <param name="tellsPrompt">
    /// Whether the ids of the prompt, all but the first, are told with their log-probabilities, which the options ask for. Every row is read anew for them.
    /// </param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled before.</exception>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    /// <exception cref="ArgumentException">
    /// The prompt is empty or too long, has an id that the model has not, or its states would take more bytes than there are; or the adapter is of another
    /// model, merged, of experts, or beside one that is applied to all texts; or the prompt is to be told and the options tell no log-probabilities.
    /// </exception>
    public BatchRequest Submit(ReadOnlyMemory<int> prompt, GenerationOptions generation, int count = 1, int priority = 0, Adapter? adapter = null,
        bool tellsPrompt = false, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        scheduler.Check(prompt.Span, generation, count);
        Require.That(!tellsPrompt || generation.LogProbabilities is not null,
            $"batcher: a prompt is told with log-probabilities, so the options must ask for them, but they ask for none");
        adapter?.RequireForRows(parameters);
        BatchRequest request;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isStopping, this);
            if (broken is not null)
                throw new InvalidOperationException($"batcher: it stopped: {broken.Message}", broken);
            if (waiting >= options.MostWaiting)
                throw new QueueFullException($"batcher: {waiting} requests wait, and no more may");
            request = new BatchRequest(this, prompt.ToArray(), generation, count, priority, adapter, tellsPrompt) { Arrival = arrivals++ };
            waiting++;
            inbox.Add(request);
            Signal();
        }
        request.CancelWith(cancellation);
        return request;
    }

    /// <summary>The longest text: the model's longest sequence, or fewer ids where <see cref="BatcherOptions.StateBytes"/> hold no more.</summary>
    public int LongestText => scheduler.LongestText;

    /// <summary>What it does and has done, as of the last pass.</summary>
    public BatcherCounts Counts
    {
        get
        {
            lock (gate)
                return counts with { Waiting = waiting };
        }
    }

    /// <summary>What ended its thread, so that every further request fails; null while it serves.</summary>
    public Exception? Failure
    {
        get
        {
            lock (gate)
                return broken;
        }
    }

    /// <summary>Ends the thread after the pass that runs; requests that have not ended get an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (isStopping)
                return;
            isStopping = true;
            Signal();
        }
        if (thread is null)
            Finish();
        else if (thread != Thread.CurrentThread)
            thread.Join();
    }

    /// <summary>One pass by the caller's own thread; false where nothing is left to do.</summary>
    internal bool Step()
    {
        lock (gate)
        {
            foreach (BatchRequest request in inbox)
                scheduler.Enqueue(request);
            inbox.Clear();
            isWoken = false;
        }
        bool hasMore = scheduler.Step();
        Publish();
        return hasMore;
    }

    /// <summary>What the passes are run by.</summary>
    internal BatchScheduler Scheduler => scheduler;

    /// <summary>Lets the thread look at what callers said.</summary>
    internal void Wake()
    {
        lock (gate)
            Signal();
    }

    private void Signal()
    {
        isWoken = true;
        Monitor.Pulse(gate);
    }

    private void Publish()
    {
        BatcherCounts now = scheduler.Counts;
        lock (gate)
        {
            counts = now;
            waiting = inbox.Count + scheduler.Waiting;
        }
    }

    private void Run()
    {
        try
        {
            for (bool hasMore = false; ;)
            {
                lock (gate)
                {
                    while (!isStopping && !isWoken && !hasMore)
                        Monitor.Wait(gate);
                    if (isStopping)
                        break;
                }
                hasMore = Step();
            }
        }
        catch (Exception failure)
        {
            // Whoever waits must not wait forever, and the process of the caller goes on.
            lock (gate)
                broken = failure;
        }
        Finish();
    }

    private void Finish()
    {
        lock (gate)
        {
            foreach (BatchRequest request in inbox)
                scheduler.Enqueue(request);
            inbox.Clear();
        }
        scheduler.Fail(() => broken is null ? new ObjectDisposedException(nameof(Batcher), "batcher: it was disposed before the request had ended")
            : new InvalidOperationException($"batcher: it stopped: {broken.Message}", broken));
        scheduler.Dispose();
        Publish();
    }
}
