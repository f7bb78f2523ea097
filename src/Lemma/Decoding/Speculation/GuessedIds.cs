using Lemma.Sequences;

namespace Lemma.Decoding;

/// <summary>Ids that were guessed behind a text: a pass reads them with its last id, and those that were wrong are taken back.</summary>
internal sealed class GuessedIds
{
    private int[] ids = [];
    private SequenceState? before;

    /// <summary>How many were guessed.</summary>
    public int Count { get; private set; }

    /// <summary>The guesses.</summary>
    public ReadOnlySpan<int> Ids => ids.AsSpan(0, Count);

    /// <summary>Guesses what follows a text, as many ids as may still come, before a pass.</summary>
    public void Ask(Speculator speculator, GeneratedSequence sequence, int vocabulary, int longest)
    {
        int room = Math.Max(0, Math.Min(Math.Min(speculator.Most, sequence.Left - 1), longest - sequence.Ids.Length));
        if (ids.Length < room)
            ids = new int[room];
        int count = speculator.Guess(sequence.Ids, ids.AsSpan(0, room));
        Require.That(count >= 0 && count <= room, $"speculation: there is room for {room} guesses, but {count} were made");
        // A guess that the model has no id for ends the guesses.
        Count = 0;
        while (Count < count && (uint)ids[Count] < (uint)vocabulary)
            Count++;
        speculator.Guessed += Count;
        SequenceState state = sequence.State;
        // A state that cannot be cut, a running sum, is kept as it was.
        before = Count > 0 && (state.Length <= 1 || !state.CanTruncate(state.Length - 1)) ? state.Fork() : null;
    }

    /// <summary>Whether an id that was chosen from the logits of a row is the one that was guessed to follow, so that the next row's logits hold.</summary>
    public bool IsRight(int row, int id, Speculator speculator)
    {
        bool isRight = row < Count && ids[row] == id;
        speculator.Right += isRight ? 1 : 0;
        return isRight;
    }

    /// <summary>Takes back what was guessed wrong: the state ends before the last id, which is read again where nothing came after it.</summary>
    public void Settle(GeneratedSequence sequence, bool isStopped)
    {
        int kept = Math.Min(sequence.State.Length, sequence.Ids.Length - (isStopped ? 0 : 1));
        if (sequence.State.CanTruncate(kept))
            sequence.State.Truncate(kept);
        else
        {
            sequence.Replace(before!);
            before = null;
        }
        Forget();
    }

    /// <summary>Guesses nothing.</summary>
    public void Forget()
    {
        before?.Dispose();
        (before, Count) = (null, 0);
    }
}
