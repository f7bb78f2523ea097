using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;

namespace Lemma.Decoding;

/// <summary>What a batcher's thread does: who takes part in a pass, the pass, and what is chosen from its logits. One thread at a time.</summary>
/// <remarks>
/// Texts are served by rank, which is priority, then arrival. Every running text has a row a pass; the rows for prompts go to those that were served longest
/// ago, each as many as are left. A state that memory is short for is dropped, lowest rank first, and its ids are read again later: the bits are those of before.
/// </remarks>
internal sealed class BatchScheduler : IDisposable
{
    private readonly Decoder model;
    private readonly BatcherOptions options;
    private readonly StateStore store;
    private readonly BatchPass pass;
    private readonly Candidates candidates, observed;
    private readonly List<BatchRequest> waiting = [];
    private readonly List<BatchedSequence> running = [], planned = [], readers = [];
    private readonly Comparison<BatchedSequence> byService;
    private readonly int drawn;
    private readonly long budget;
    private BatchRequest? alone;
    private long passes, read, made, cached, guessed, right, preempted, ended;

    public BatchScheduler(Decoder model, Workers workers, BatcherOptions options, int drawn)
    {
        (this.model, this.options, this.drawn) = (model, options, drawn);
        budget = options.StateBytes ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
        store = new StateStore(model, options.KeepsPrefixes);
        LongestText = Longest();
        pass = new BatchPass(model, workers);
        (candidates, observed) = (new Candidates(drawn), new Candidates(drawn));
        byService = static (a, b) =>
        {
            int order = b.Request.Priority.CompareTo(a.Request.Priority);
            order = order != 0 ? order : a.Served.CompareTo(b.Served);
            return order != 0 ? order : BatchedSequence.Compare(a, b);
        };
    }

    /// <summary>The longest text that can be held: the model's longest sequence, or fewer ids where states may take fewer bytes.</summary>
    public int LongestText { get; }

    /// <summary>Requests that were not begun.</summary>
    public int Waiting => waiting.Count;

    /// <summary>Told of a pass before it runs; tests let it fail.</summary>
    public Action<IReadOnlyList<BatchedSequence>>? Passing { get; set; }

    /// <summary>Refuses a request whose texts could never be held.</summary>
    public void Check(ReadOnlySpan<int> prompt, GenerationOptions generation, int count)
    {
        new GenerationRules(model.VocabularySize, model.MaximumLength, drawn).Check(prompt, generation, count, 0);
        Require.That(count <= options.MostSequences, $"batcher: at most {options.MostSequences} texts go on together, but a request has {count}");
        long length = Math.Min((long)prompt.Length + generation.MaximumTokens, model.MaximumLength);
        Require.That(length <= LongestText,
            $"batcher: states may hold {budget} bytes, enough for {LongestText} ids, but a prompt of {prompt.Length} "
            + $"and {generation.MaximumTokens} more are asked for");
    }

    private int Longest()
    {
        int fits = 0;
        for (int beyond = model.MaximumLength + 1; beyond - fits > 1;)
        {
            int middle = fits + (beyond - fits) / 2;
            (fits, beyond) = store.BytesOf(middle) <= budget ? (middle, beyond) : (fits, middle);
        }
        return fits;
    }

    /// <summary>Takes a request.</summary>
    public void Enqueue(BatchRequest request)
    {
        int at = waiting.Count;
        while (at > 0 && waiting[at - 1].Priority < request.Priority)
            at--;
        waiting.Insert(at, request);
        request.Open = request.Count;
    }

    /// <summary>One pass; false where nothing is left to do.</summary>
    public bool Step()
    {
        Leave();
        Admit();
        Plan();
        Fit();
        if (planned.Count > 0 && TryRead())
        {
            foreach (BatchedSequence text in planned)
            {
                if (text.Observes && !text.HasEnded)
                    Observe(text);
                if (text.Logits >= 0 && !text.HasEnded)
                    Choose(text);
            }
            pass.Rewind();
        }
        foreach (BatchedSequence text in planned)
            (text.Rows, text.Logits) = (0, -1);
        running.RemoveAll(static text => text.HasEnded);
        return running.Count + waiting.Count > 0;
    }

    /// <summary>Ends all requests with an exception.</summary>
    public void Fail(Func<Exception> why)
    {
        foreach (BatchRequest request in running.Select(text => text.Request).Concat(waiting).Distinct().ToArray())
            Fail(request, why());
        waiting.Clear();
        running.Clear();
    }

    /// <summary>What is done and was done.</summary>
    public BatcherCounts Counts => new()
    {
        Running = running.Select(text => text.Request).Distinct().Count(),
        Sequences = running.Count(text => text.HasState),
        Waiting = waiting.Count,
        Passes = passes,
        Read = read,
        Made = made,
        Cached = cached,
        Guessed = guessed,
        Right = right,
        Preempted = preempted,
        Ended = ended,
        StateBytes = store.Bytes,
        Prefixes = store.Idle,
    };

    /// <summary>The most floats that a pass took beside the states.</summary>
    public long PeakElements => pass.PeakElements;

    /// <summary>Drops the states that are kept for their prefixes.</summary>
    public void DropPrefixes()
    {
        while (store.DropOldest()) { }
    }

    public void Dispose()
    {
        foreach (BatchedSequence text in running)
            store.Drop(text);
        store.Dispose();
        pass.Dispose();
    }

    // Those whose callers left them or ended them.
    private void Leave()
    {
        foreach (BatchedSequence text in running)
        {
            if (text.HasEnded)
                continue;
            if (text.Request.IsEnded(text.Number))
                End(text, TextEnd.Stop);
            else if (text.Request.IsCancelled)
                Fail(text.Request, Cancelled());
        }
        running.RemoveAll(static text => text.HasEnded);
        foreach (BatchRequest request in waiting)
        {
            if (request.IsCancelled)
                Fail(request, Cancelled());
        }
        waiting.RemoveAll(static request => request.Failure is not null);

        static OperationCanceledException Cancelled() => new("batcher: the request was cancelled");
    }

    private void Admit()
    {
        while (waiting.Count > 0)
        {
            // Texts of lower priority make room.
            int occupied = running.Count(text => text.Request.Priority >= waiting[0].Priority);
            if (occupied > 0 && occupied + waiting[0].Count > options.MostSequences)
                return;
            BatchedSequence leader = new(waiting[0], 0, null) { Served = passes };
            running.Add(leader);
            for (int i = 1; i < waiting[0].Count; i++)
                running.Add(new BatchedSequence(waiting[0], i, leader) { Served = passes });
            running.Sort(BatchedSequence.Compare);
            waiting.RemoveAt(0);
        }
    }

    private void Plan()
    {
        planned.Clear();
        readers.Clear();
        // After a pass that failed, those that were in it go on one request at a time, so that the one to blame is found.
        alone = running.Find(static text => text.IsSuspect)?.Request;
        bool hasRoom = true;
        for (int i = 0; i < running.Count; i++)
        {
            BatchedSequence text = running[i];
            if (i >= options.MostSequences)
                store.Keep(text);
            else if (!text.HasEnded && (alone is null || alone == text.Request) && (text.HasState || (!text.IsLed && TryBegin(text, ref hasRoom))))
                Take(text);
        }
        readers.Sort(byService);
        int left = options.PromptRows;
        foreach (BatchedSequence text in readers)
        {
            if (left <= 0 || text.HasEnded)
                continue;
            text.Rows = model.Reader.DependsOnLength ? WholeRows(text) : Math.Min(left, text.Unread);
            text.Served = passes + 1;
            left -= text.Rows;
            planned.Add(text);
        }
        planned.RemoveAll(static text => !text.HasState);
    }

    // Where angles depend on the length, a prompt is read as a whole, and what was made id by id.
    private static int WholeRows(BatchedSequence text) => text.Length == 0 ? text.Request.Prompt.Length : 1;

    private bool TryBegin(BatchedSequence text, ref bool hasRoom)
    {
        if (!hasRoom || !(hasRoom = HasRoom(text)))
            return false;
        try
        {
            SequenceState? state = store.Find(text.Ids.ToArray(), text.Adapter, text.MostShared,
                other => alone is null ? other.Request.Priority >= text.Request.Priority : other.Request == alone);
            if (state is null)
                return false;
            if (text.Number == 0 && !text.HasBegun)
            {
                text.Request.CachedIds = state.Length;
                cached += state.Length;
            }
            text.Take(state, model);
            store.Add(text);
            return true;
        }
        catch (Exception failure)
        {
            Fail(text.Request, failure);
            return false;
        }
    }

    // Whether a text's ids can be held beside those that run, with nothing idle if need be; a text of lower priority gives way later.
    private bool HasRoom(BatchedSequence text)
    {
        long need = 0;
        BatchedSequence? last = null;
        foreach (BatchedSequence other in running)
        {
            if (!other.HasState)
                continue;
            need += other.Text.State.BytesToRead(other.Unread);
            last = other;
        }
        if (last is null || alone is not null || last.Request.Priority < text.Request.Priority)
            return true;
        need += store.Missing(text.Ids.ToArray(), text.Adapter, text.MostShared);
        while (store.Bytes + need > budget)
        {
            if (!store.DropOldest())
                return false;
        }
        return true;
    }

    private void Take(BatchedSequence text)
    {
        if (text.Text.HasEnded(model.MaximumLength) && !text.Observes)
            End(text, TextEnd.Length);
        else if (text.Unread > 1)
            readers.Add(text);
        else
        {
            text.Rows = 1;
            planned.Add(text);
            if (text.Request.Options.Speculator is not { } speculator || model.Reader.DependsOnLength)
                return;
            try
            {
                text.Guesses.Ask(speculator, text.Text, model.VocabularySize, model.MaximumLength);
                guessed += text.Guesses.Count;
                text.Request.GuessedIds += text.Guesses.Count;
            }
            catch (Exception failure)
            {
                planned.Remove(text);
                Fail(text.Request, failure);
            }
        }
    }

    // Idle states go first, the oldest before; then states of the lowest rank, whose ids are read again later.
    private void Fit()
    {
        while (planned.Count > 0 && store.Bytes + planned.Sum(static text => text.Text.State.BytesToRead(text.Rows + text.Guesses.Count)) > budget)
        {
            if (store.DropOldest())
                continue;
            if (running.Count(static text => text.HasState) == 1)
                return;
            BatchedSequence last = running.FindLast(text => text.HasState && text.Request != alone) ?? running.FindLast(static text => text.HasState)!;
            planned.Remove(last);
            last.Served = passes + 1;
            store.Drop(last);
            preempted++;
        }
    }

    private bool TryRead()
    {
        try
        {
            Passing?.Invoke(planned);
            pass.Read(planned);
        }
        catch (Exception failure)
        {
            pass.Rewind();
            // States may hold half a pass. One request is to blame; of several each is tried alone, and what the others lost is read again.
            bool isAlone = planned.TrueForAll(text => text.Request == planned[0].Request);
            if (isAlone)
                Fail(planned[0].Request, failure);
            foreach (BatchedSequence text in planned)
            {
                store.Drop(text);
                text.IsSuspect = !text.HasEnded;
            }
            return false;
        }
        passes++;
        read += pass.Rows;
        return true;
    }

    // Each row of a prompt is told once, though memory that is short has it read twice.
    private void Observe(BatchedSequence text)
    {
        try
        {
            ReadOnlyMemory<int> prompt = text.Request.Prompt;
            int end = Math.Min(text.First.Length + text.Rows, prompt.Length - 1);
            TokenLogProbability[] likeliest = new TokenLogProbability[text.Request.Options.LogProbabilities!.Value];
            pass.Observe(text, text.Observed, end, drawn, logits =>
            {
                int id = prompt.Span[++text.Observed];
                TokenLogProbability chosen = GeneratedSequence.Observe(logits, observed, id, likeliest);
                text.Request.Tell(new BatchEvent(text.Number, id) { IsPrompt = true, Chosen = chosen, Likeliest = likeliest.Length > 0 ? [.. likeliest] : [] });
            });
        }
        catch (Exception failure)
        {
            Fail(text.Request, failure);
        }
    }

    private void Choose(BatchedSequence text)
    {
        try
        {
            // Texts of one request choose from the same logits behind the prompt, which one of them reads.
            BatchedSequence[] led = text.Number > 0 || text.Request.Count == 1 ? []
                : [.. running.Where(other => other.Request == text.Request && other.Number > 0 && other.IsLed && !other.HasEnded)];
            foreach (BatchedSequence other in led)
            {
                other.Take(text.Text.State.Fork(), model);
                store.Add(other);
                other.Logits = text.Logits;
            }
            ChooseOwn(text);
            foreach (BatchedSequence other in led)
            {
                ChooseOwn(other);
                other.Logits = -1;
            }
        }
        catch (Exception failure)
        {
            Fail(text.Request, failure);
        }
    }

    private void ChooseOwn(BatchedSequence text)
    {
        GenerationOptions generation = text.Request.Options;
        bool goesOn = true, isRight = true;
        TokenLogProbability? ending = null;
        for (int row = 0; goesOn && isRight; row++)
        {
            goesOn = text.Text.TryChoose(pass.Logits(text.Logits + row, drawn), candidates, generation.LogProbabilities is null ? null : observed, out int id);
            if (!goesOn)
            {
                ending = generation.LogProbabilities is null || id < 0 ? null : text.Text.Chosen;
                break;
            }
            made++;
            text.Request.MadeIds++;
            text.Request.Tell(new BatchEvent(text.Number, id)
            {
                Chosen = text.Text.Chosen,
                Likeliest = text.Text.Likeliest.Length > 0 ? text.Text.Likeliest.ToArray() : [],
            });
            isRight = generation.Speculator is { } speculator && text.Guesses.IsRight(row, id, speculator);
            right += isRight ? 1 : 0;
            text.Request.RightIds += isRight ? 1 : 0;
            if (text.Text.HasEnded(model.MaximumLength))
                break;
        }
        if (text.Guesses.Count > 0)
            text.Guesses.Settle(text.Text, !goesOn);
        text.IsSuspect = false;
        if (!goesOn || text.Text.HasEnded(model.MaximumLength))
            End(text, goesOn ? TextEnd.Length : TextEnd.Stop, ending);
    }

    private void End(BatchedSequence text, TextEnd end, TokenLogProbability? ending = null)
    {
        text.End();
        store.Keep(text);
        text.Request.Tell(new BatchEvent(text.Number, -1) { End = end, Ending = ending, Likeliest = ending is null ? [] : text.Text.Likeliest.ToArray() });
        if (--text.Request.Open > 0)
            return;
        ended++;
        text.Request.Complete(null);
    }

    private void Fail(BatchRequest request, Exception failure)
    {
        if (request.Failure is not null)
            return;
        request.Failure = failure;
        foreach (BatchedSequence text in running)
        {
            if (text.Request != request)
                continue;
            store.Drop(text);
            text.End();
        }
        ended++;
        request.Complete(failure);
    }
}
