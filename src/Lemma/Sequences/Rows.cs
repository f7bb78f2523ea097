namespace Lemma.Sequences;

/// <summary>What a pass reads: the tokens of several sequences one after the other, without padding.</summary>
/// <remarks>
/// Training windows are sequences of equal length, packed documents sequences of unequal length; a prompt, a chunk of it, a decoded token and many
/// users at once are rows with states. A sequence sees itself alone, and a row's result does not depend on the other sequences.
/// </remarks>
public readonly record struct Rows
{
    /// <summary>Rows of sequences.</summary>
    /// <param name="ids">All ids, kept as they are until the tape is rewound.</param>
    /// <param name="lengths">The ids of each sequence; they sum to all.</param>
    /// <param name="states">What was read before of each sequence, and where what is read now is kept; empty for sequences read as a whole.</param>
    public Rows(ReadOnlyMemory<int> ids, ReadOnlyMemory<int> lengths, ReadOnlyMemory<SequenceState> states = default)
    {
        Require.That(!lengths.IsEmpty, $"rows: there must be at least one sequence");
        Require.That(states.IsEmpty || states.Length == lengths.Length, $"rows: {states.Length} states do not fit {lengths.Length} sequences");
        long sum = 0;
        foreach (int length in lengths.Span)
        {
            Require.That(length > 0, $"rows: a sequence must have at least one id, but one has {length}");
            sum += length;
        }
        Require.That(sum == ids.Length, $"rows: sequences of {sum} ids in all do not fit {ids.Length} ids");
        (Ids, Lengths, States) = (ids, lengths, states);
    }

    /// <summary>All ids.</summary>
    public ReadOnlyMemory<int> Ids { get; }

    /// <summary>The ids of each sequence.</summary>
    public ReadOnlyMemory<int> Lengths { get; }

    /// <summary>The state of each sequence, or none at all.</summary>
    public ReadOnlyMemory<SequenceState> States { get; }

    /// <summary>How many first positions of each sequence every position of it sees, as in a prefix-LM; empty for none.</summary>
    /// <remarks>A prefix is read as a whole, in the first pass of its sequence; what goes on from a state has it behind and says 0.</remarks>
    public ReadOnlyMemory<int> Prefixes { get; init; }

    /// <summary>Refuses states of another model, disposed ones, and one state for two sequences.</summary>
    internal void RequireStatesOf(object model)
    {
        ReadOnlySpan<SequenceState> states = States.Span;
        for (int i = 0; i < states.Length; i++)
        {
            states[i].RequireOwner(model);
            Require.That(!states[..i].Contains(states[i]), $"rows: sequences {states.IndexOf(states[i])} and {i} have one state");
        }
    }

    /// <summary>One sequence, read as a whole or going on from a state.</summary>
    public static Rows One(ReadOnlyMemory<int> ids, SequenceState? state = null) =>
        new(ids, new[] { ids.Length }, state is null ? default : new[] { state });

    /// <summary>Sequences of one length.</summary>
    public static Rows Windows(ReadOnlyMemory<int> ids, int count)
    {
        Require.That(count > 0 && ids.Length % count == 0, $"rows: {count} sequences do not divide {ids.Length} ids");
        int[] lengths = new int[count];
        Array.Fill(lengths, ids.Length / count);
        return new Rows(ids, lengths);
    }
}
