using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Decoding;

/// <summary>One pass over rows of several texts: their ids, their states and the rows whose logits are wanted.</summary>
internal sealed class BatchPass(Decoder model, Workers workers) : IDisposable
{
    private readonly Tape tape = new(workers, model.Parameters) { Recording = false };
    private int[] ids = [], lengths = [], places = [];
    private SequenceState[] states = [];
    private int rows, sequences, wanted;
    private Tensor logits;

    /// <summary>Rows that were read.</summary>
    public int Rows => rows;

    /// <summary>Reads rows of texts.</summary>
    public void Read(List<BatchedSequence> texts)
    {
        (rows, sequences, wanted) = (0, 0, 0);
        foreach (BatchedSequence text in texts)
            Add(text);
        Tensor hidden = model.Hidden(tape, new Rows(ids.AsMemory(0, rows), lengths.AsMemory(0, sequences), states.AsMemory(0, sequences)));
        if (wanted > 0)
            logits = model.LogitsOf(tape, hidden, places.AsMemory(0, wanted));
    }

    /// <summary>The logits of a wanted row, of the ids that may be drawn.</summary>
    public ReadOnlySpan<float> Logits(int row, int drawn) => tape[logits].Slice(row * model.VocabularySize, drawn);

    /// <summary>Forgets the rows.</summary>
    public void Rewind()
    {
        tape.Rewind();
        Array.Clear(states, 0, sequences);
    }

    public void Dispose() => tape.Dispose();

    private void Add(BatchedSequence text)
    {
        int count = text.Rows + text.Guesses.Count;
        Grow(ref ids, rows + count);
        Grow(ref lengths, sequences + 1);
        Grow(ref states, sequences + 1);
        Grow(ref places, wanted + 1 + text.Guesses.Count);
        text.Text.Unread.Span[..text.Rows].CopyTo(ids.AsSpan(rows));
        text.Guesses.Ids.CopyTo(ids.AsSpan(rows + text.Rows));
        (lengths[sequences], states[sequences]) = (count, text.Text.State);
        text.Logits = -1;
        // The rows behind the last id, of guesses as well, choose ids; a piece of a prompt chooses nothing.
        if (text.Rows == text.Unread)
        {
            text.Logits = wanted;
            for (int i = 0; i <= text.Guesses.Count; i++)
                places[wanted++] = rows + text.Rows - 1 + i;
        }
        rows += count;
        sequences++;
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            Array.Resize(ref array, Math.Max(length, 2 * array.Length));
    }
}
