using Lemma.Decoding.Constraints;
using Lemma.Sequences;

namespace Lemma.Decoding;

/// <summary>One sequence while it is generated: its ids, what was read of them, and what its steps remember.</summary>
internal sealed class GeneratedSequence(SequenceState state) : IDisposable
{
    private TokenLogProbability[] likeliest = [];
    private int[] ids = [];
    private StepChain steps = new(null, 0);
    private IReadOnlyList<int> stopIds = [];
    private int count, prompt, made, most, drawn;
    private bool isStopped;
    private ConstrainedText? text;

    /// <summary>What the model keeps.</summary>
    public SequenceState State { get; private set; } = state;

    /// <summary>The prompt and what was made.</summary>
    public ReadOnlySpan<int> Ids => ids.AsSpan(0, count);

    /// <summary>The ids that were not read yet.</summary>
    public ReadOnlyMemory<int> Unread => ids.AsMemory(State.Length..count);

    /// <summary>Ids that may still be made.</summary>
    public int Left => most - made;

    /// <summary>Whether a stop id came, or as many ids as were asked for or as fit.</summary>
    public bool HasEnded(int longest) => isStopped || made >= most || count > longest;

    /// <summary>The last chosen id, a stop id too.</summary>
    public TokenLogProbability Chosen { get; private set; }

    /// <summary>The likeliest ids when it was chosen.</summary>
    public ReadOnlySpan<TokenLogProbability> Likeliest => likeliest;

    /// <summary>Begins a text.</summary>
    public void Begin(ReadOnlySpan<int> first, GenerationOptions options, ulong seed, IReadOnlyList<int> stops, int longest)
    {
        (count, drawn, steps, text) = (0, 0, new StepChain(options.Steps, seed), null);
        GoOn(first, options, stops, longest);
    }

    /// <summary>Adds ids that come from outside; they count as the prompt, with all before them.</summary>
    public void GoOn(ReadOnlySpan<int> further, GenerationOptions options, IReadOnlyList<int> stops, int longest)
    {
        // One id may stand beyond the longest sequence: it is never read.
        long room = Math.Min((long)count + further.Length + options.MaximumTokens, (long)longest + 1);
        if (ids.Length < room)
            Array.Resize(ref ids, (int)room);
        further.CopyTo(ids.AsSpan(count));
        count += further.Length;
        // What is made from here on matches from the beginning.
        if (!further.IsEmpty || !ReferenceEquals(text?.Constraint, options.Constraint))
            text = options.Constraint?.Begin(Ids);
        prompt = further.IsEmpty ? prompt : count;
        (made, most, isStopped, stopIds, Chosen) = (0, options.MaximumTokens, false, stops, default);
        likeliest = options.LogProbabilities is > 0 and { } number ? new TokenLogProbability[number] : [];
    }

    /// <summary>Chooses the next id; false for a stop id, which is not added.</summary>
    public bool TryChoose(ReadOnlySpan<float> logits, Candidates candidates, Candidates? observed, out int id)
    {
        candidates.Reset(logits);
        if (text is not null && !text.Keep(candidates, logits, stopIds))
        {
            // The text is whole, and there is no id to say so.
            (isStopped, id) = (true, -1);
            return false;
        }
        id = steps.Choose(candidates, Ids, prompt, drawn++);
        made++;
        if (observed is not null)
            Chosen = Observe(logits, observed, id, likeliest);
        for (int i = 0; i < stopIds.Count && !isStopped; i++)
            isStopped = stopIds[i] == id;
        if (!isStopped)
        {
            ids[count++] = id;
            text?.Add(id);
        }
        return !isStopped;
    }

    /// <summary>ln p of an id by logits, and of the likeliest ids, the likeliest first, as many as there is room for.</summary>
    public static TokenLogProbability Observe(ReadOnlySpan<float> logits, Candidates observed, int id, Span<TokenLogProbability> likeliest)
    {
        observed.Reset(logits);
        double certain = observed.LargestLogit + observed.LogTotal;
        observed.Sort(likeliest.Length);
        for (int i = 0; i < likeliest.Length; i++)
            likeliest[i] = new TokenLogProbability(observed.Ids[i], observed.Logits[i] - certain);
        return new TokenLogProbability(id, logits[id] - certain);
    }

    /// <summary>Chooses no further ids.</summary>
    public void End() => isStopped = true;

    /// <summary>Takes another state in place of its own.</summary>
    public void Replace(SequenceState other)
    {
        State.Dispose();
        State = other;
    }

    public void Dispose() => State.Dispose();
}
