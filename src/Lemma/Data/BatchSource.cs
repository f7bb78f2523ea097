using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>Which windows of the data follow each other.</summary>
public enum WindowOrder
{
    /// <summary>Windows side by side, each once an epoch, in a new order and from a new offset every epoch.</summary>
    Shuffled,

    /// <summary>Every window at an independent random place.</summary>
    Random,

    /// <summary>Every window from the beginning of a document (the end mark before it), each document once an epoch, in a new order every epoch;
    /// what a document has beyond the window is not seen.</summary>
    Documents,
}

/// <summary>Batches of windows of a dataset: inputs, and as targets the ids one place further on.</summary>
/// <remarks>
/// A batch is a pure function of the seed and its number: nothing is remembered between batches, so a run resumes from the number alone.
/// In a shuffled epoch the windows lie side by side from a random offset; the tokens before the first and after the last, fewer than two
/// windows, have their turn in epochs with another offset.
/// </remarks>
public sealed class BatchSource
{
    private const ulong OffsetStream = 0x6F666673_65740000, RandomStream = 0x72616E64_6F6D0000;
    private readonly TokenDataset data;
    private readonly WindowOrder order;
    private readonly ulong seed;
    private readonly int[] starts = [];

    /// <summary>Batches of <paramref name="batch"/> windows with <paramref name="length"/> inputs each; the data must hold at least one
    /// window.</summary>
    public BatchSource(TokenDataset data, int length, int batch, ulong seed, WindowOrder order = WindowOrder.Shuffled,
        int? endId = null)
    {
        Require.That(length > 0 && batch > 0, $"batches: length and batch must be positive, but they are {length} and {batch}");
        if (data.Count <= length)
            throw new InvalidDataException($"{data.Name}: a window of length {length} needs {length + 1L} tokens, but there are "
                + $"{data.Count}");
        (this.data, Length, Batch, this.seed, this.order) = (data, length, batch, seed, order);
        WindowsPerEpoch = Math.Max(1, (data.Count - length) / length);
        if (order != WindowOrder.Documents)
            return;
        Require.That(endId is not null, $"batches: windows that begin with documents need the id that ends a document");
        starts = [.. Enumerable.Range(0, data.Count - length).Where(i => data.Ids[i] == endId)];
        if (starts.Length == 0)
            throw new InvalidDataException($"{data.Name}: no document begins {length + 1L} tokens or more before the end of the {data.Count}");
        WindowsPerEpoch = starts.Length;
    }

    /// <summary>The inputs of a window.</summary>
    public int Length { get; }

    /// <summary>The windows of a batch.</summary>
    public int Batch { get; }

    /// <summary>How many windows make an epoch.</summary>
    public int WindowsPerEpoch { get; }

    /// <summary>The epoch of a batch's first window, and the window's place in that epoch.</summary>
    public (long Epoch, long Position) PositionOf(long number) => Math.DivRem(checked(number * Batch), WindowsPerEpoch);

    /// <summary>The inputs and the targets of a batch, [batch, length] each.</summary>
    public (int[] Inputs, int[] Targets) At(long number)
    {
        int[] inputs = new int[Batch * Length], targets = new int[Batch * Length];
        Fill(number, inputs, targets);
        return (inputs, targets);
    }

    /// <summary>Writes the inputs and the targets of a batch, or of its first windows, without taking memory; both are [windows, length].</summary>
    public void Fill(long number, Span<int> inputs, Span<int> targets)
    {
        Require.That(number >= 0, $"batches: the number must not be negative, but it is {number}");
        int windows = inputs.Length / Length;
        Require.That(windows > 0 && windows <= Batch && inputs.Length == windows * Length && targets.Length == inputs.Length,
            $"batches: 1 to {Batch} windows of length {Length} do not fit {inputs.Length} inputs and {targets.Length} targets");
        for (int row = 0; row < windows; row++)
        {
            int start = Start(checked(number * Batch + row));
            data.Ids.Slice(start, Length).CopyTo(inputs[(row * Length)..]);
            data.Ids.Slice(start + 1, Length).CopyTo(targets[(row * Length)..]);
        }
    }

    private int Start(long window)
    {
        if (order == WindowOrder.Random)
            return new Philox(seed, RandomStream).Below(data.Count - Length, (ulong)window);
        (long epoch, long place) = Math.DivRem(window, WindowsPerEpoch);
        if (order == WindowOrder.Documents)
            return starts[new Permutation(WindowsPerEpoch, seed, (ulong)epoch)[place]];
        int slack = data.Count - 1 - WindowsPerEpoch * Length;
        int offset = new Philox(seed, OffsetStream).Below(slack + 1, (ulong)epoch);
        return offset + (int)new Permutation(WindowsPerEpoch, seed, (ulong)epoch)[place] * Length;
    }
}
