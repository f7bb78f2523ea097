using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>One pass over rows of several texts: their ids, their states and the rows whose logits are wanted.</summary>
internal sealed class BatchPass(Decoder model, Workers workers) : IDisposable
{
    private readonly Tape tape = new(workers, model.Parameters) { Recording = false };
    private int[] ids = [], lengths = [], places = [];
    private SequenceState[] states = [];
    private int rows, sequences, wanted;
    private Tensor logits;
    private readonly List<AdapterRun> runs = [], wantedRuns = [];

    /// <summary>Rows that were read.</summary>
    public int Rows => rows;

    /// <summary>Reads rows of texts.</summary>
    public void Read(List<BatchedSequence> texts)
    {
        (rows, sequences, wanted) = (0, 0, 0);
        runs.Clear();
        wantedRuns.Clear();
        if (texts.TrueForAll(static text => text.Request.Adapter is null))
            Add(texts, null);
        else
        {
            foreach (IGrouping<Adapter?, BatchedSequence> alike in texts.GroupBy(static text => text.Request.Adapter))
                Add(alike, alike.Key);
        }
        tape.AdapterRows = runs.Count == 0 ? null : new AdapterRows(rows, runs);
        Tensor hidden = model.Hidden(tape, new Rows(ids.AsMemory(0, rows), lengths.AsMemory(0, sequences), states.AsMemory(0, sequences)));
        // The head is given the wanted rows alone.
        tape.AdapterRows = runs.Count == 0 ? null : new AdapterRows(wanted, wantedRuns);
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

    private void Add(IEnumerable<BatchedSequence> texts, Adapter? adapter)
    {
        (int row, int place) = (rows, wanted);
        foreach (BatchedSequence text in texts)
            Add(text);
        if (adapter is null)
            return;
        runs.Add(new AdapterRun(adapter, row, rows - row));
        if (wanted > place)
            wantedRuns.Add(new AdapterRun(adapter, place, wanted - place));
    }

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
