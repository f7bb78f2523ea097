using Lemma.Models;
using Lemma.Sequences;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>One text of a request while the batcher runs it: with a state, or waiting for one.</summary>
internal sealed class BatchedSequence(BatchRequest request, int number, BatchedSequence? leader) : IHasPrefix, IDisposable
{
    private GeneratedSequence? text;

    public BatchRequest Request => request;

    public int Number => number;

    /// <summary>The ids and what their steps remember; only of one that has begun.</summary>
    public GeneratedSequence Text => text!;

    /// <summary>Whether its prompt was read, or is being read.</summary>
    public bool HasBegun => text is not null;

    /// <summary>Whether it can take part in a pass.</summary>
    public bool HasState { get; private set; }

    /// <summary>Whether another text of the request reads the prompt for it.</summary>
    public bool IsLed => leader is { HasEnded: false } && text is null;

    public bool HasEnded { get; private set; }

    /// <summary>Guesses behind it in the present pass.</summary>
    public GuessedIds Guesses { get; } = new();

    /// <summary>The ids that other prompts are compared with while it has a state.</summary>
    public int[] Known { get; private set; } = [];

    /// <summary>Tokens of the state.</summary>
    public int Length => HasState ? Text.State.Length : 0;

    /// <summary>The pass in which it last read a piece of its prompt.</summary>
    public long Served { get; set; }

    /// <summary>Whether a pass failed that it took part in, so that the next one is its request's alone.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>Its ids in the present pass, guesses not counted; 0 where it takes no part.</summary>
    public int Rows { get; set; }

    /// <summary>Where its logits begin in the present pass; −1 for none.</summary>
    public int Logits { get; set; } = -1;

    /// <summary>Where its rows begin in the present pass, and how many ids its state held before.</summary>
    public (int Row, int Length) First { get; set; }

    /// <summary>Rows of the prompt whose log-probabilities were told: row i is that of id i + 1. A state that is dropped does not tell them again.</summary>
    public int Observed { get; set; }

    /// <summary>Whether rows of the prompt are still to be told.</summary>
    public bool Observes => request.TellsPrompt && number == 0 && Observed < request.Prompt.Length - 1;

    /// <summary>The most ids of its own that a state may have read before: the last one makes its logits, and rows that are told are read.</summary>
    public int MostShared => Observes ? Observed : Ids.Length - 1;

    /// <summary>Ids that were not read.</summary>
    public int Unread => Text.Ids.Length - Length;

    public ReadOnlySpan<int> Ids => HasBegun ? Text.Ids : request.Prompt.Span;

    SequenceState IHasPrefix.State => Text.State;

    public Adapter? Adapter => request.Adapter;

    /// <summary>Begins or goes on with a state that holds some of its first ids.</summary>
    public void Take(SequenceState state, Decoder model)
    {
        if (text is not null)
            text.Replace(state);
        else
        {
            text = new GeneratedSequence(state);
            text.Begin(request.Prompt.Span, request.Options, request.Options.Seed + (ulong)number, request.Options.StopIds ?? model.EndIds, model.MaximumLength);
        }
        (HasState, Known) = (true, text.Ids.ToArray());
    }

    /// <summary>Gives its state back; what was made stays.</summary>
    public void Drop()
    {
        Guesses.Forget();
        if (HasState)
            Text.Dispose();
        (HasState, Rows, Logits) = (false, 0, -1);
    }

    public void Dispose() => Drop();

    /// <summary>Gives its state back and what it held to another owner.</summary>
    public SequenceState Release()
    {
        // The text disposes its own state once it takes another.
        SequenceState kept = Text.State.Fork();
        Drop();
        return kept;
    }

    /// <summary>No further ids come.</summary>
    public void End() => HasEnded = true;

    /// <summary>Whether this one goes before another one: by priority, then by arrival.</summary>
    public static int Compare(BatchedSequence a, BatchedSequence b)
    {
        int order = b.Request.Priority.CompareTo(a.Request.Priority);
        order = order != 0 ? order : a.Request.Arrival.CompareTo(b.Request.Arrival);
        return order != 0 ? order : a.Number.CompareTo(b.Number);
    }
}
