using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Decoding;

/// <summary>Sees the logits of a row.</summary>
internal delegate void RowObserver(ReadOnlySpan<float> logits);

/// <summary>One pass over rows of several texts: their ids, their states and the rows whose logits are wanted.</summary>
internal sealed class BatchPass(Decoder model, Workers workers) : IDisposable
{
    private readonly Tape tape = new(workers, model.Parameters) { Recording = false };
    // Rows of a prompt that logits are made of at a time: a vocabulary's width each.
    private const int MostObserved = 32;
    private int[] ids = [], lengths = [], places = [];
    private readonly int[] observed = new int[MostObserved];
    private SequenceState[] states = [];
    private int rows, sequences, wanted;
    private Tensor hidden, logits;
    private readonly List<AdapterRun> runs = [], wantedRuns = [];

    /// <summary>Rows that were read.</summary>
    public int Rows => rows;

    /// <summary>The most floats that a pass took.</summary>
    public long PeakElements => tape.PeakElements;

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
        hidden = model.Hidden(tape, new Rows(ids.AsMemory(0, rows), lengths.AsMemory(0, sequences), states.AsMemory(0, sequences)));
        // The head is given the wanted rows alone.
        tape.AdapterRows = runs.Count == 0 ? null : new AdapterRows(wanted, wantedRuns);
        if (wanted > 0)
            logits = model.LogitsOf(tape, hidden, places.AsMemory(0, wanted));
    }

    /// <summary>The logits of a wanted row, of the ids that may be drawn.</summary>
    public ReadOnlySpan<float> Logits(int row, int drawn) => tape[logits].Slice(row * model.VocabularySize, drawn);

    /// <summary>Shows the logits of rows of a text's prompt, of the ids that may be drawn, in order; few of them are in memory at a time.</summary>
    /// <param name="text">The text, whose rows of this pass have these among them.</param>
    /// <param name="first">The first row, counted from the prompt's beginning.</param>
    /// <param name="end">The row behind the last.</param>
    /// <param name="drawn">How many ids may be drawn.</param>
    /// <param name="see">Sees the logits of a row.</param>
    public void Observe(BatchedSequence text, int first, int end, int drawn, RowObserver see)
    {
        for (int count; first < end; first += count)
        {
            count = Math.Min(MostObserved, end - first);
            for (int i = 0; i < count; i++)
                observed[i] = text.First.Row + first - text.First.Length + i;
            Tape.Mark mark = tape.Here;
            tape.AdapterRows = text.Adapter is null ? null : new AdapterRows(count, [new AdapterRun(text.Adapter, 0, count)]);
            Tensor rows = model.LogitsOf(tape, hidden, observed.AsMemory(0, count));
            for (int i = 0; i < count; i++)
                see(tape[rows].Slice(i * model.VocabularySize, drawn));
            tape.Rewind(mark);
        }
    }

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
        (text.Logits, text.First) = (-1, (rows, text.Length));
        // The rows behind the last id, of guesses as well, choose ids; a piece of a prompt chooses nothing, nor does one that is told alone.
        if (text.Rows == text.Unread && !text.Text.HasEnded(model.MaximumLength))
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
