using System.Globalization;
using Lemma.Formulas;

namespace Lemma.Sequences;

/// <summary>What a recurrence keeps of one layer of one sequence: so many numbers, whatever the length, which cannot be cut.</summary>
/// <param name="what">What errors call it.</param>
/// <param name="elements">How many numbers.</param>
internal abstract unsafe class RecurrentState(string what, long elements) : LayerState
{
    private readonly NativeBlock memory = new($"{what}'s state", elements, isCleared: true);
    private ByteCounter? counter;

    /// <summary>Where the numbers lie.</summary>
    protected float* Pointer => memory.Pointer;

    /// <summary>Tokens that were read.</summary>
    public int Length { get; private set; }

    public override long Bytes => memory.Length * sizeof(float);

    public override bool CanBeCut => false;

    public override long BytesAt(int length, CacheFormat format) => Bytes;

    /// <summary>Counts tokens that were added.</summary>
    public void Advance(int tokens) => Length += tokens;

    public override void CountIn(ByteCounter counter)
    {
        Require.That(this.counter is null, $"state: its bytes are counted already");
        this.counter = counter;
        counter.Add(Bytes);
    }

    public override string? WhyNotCut(int from, int to) => to == from || to == 0 ? null
        : string.Create(CultureInfo.InvariantCulture, $"state: {what} keeps sums of {from} tokens, which cannot be cut to {to}");

    public override void Truncate(int length)
    {
        if (length == 0)
            memory.Span(0, memory.Length).Clear();
        Length = length;
    }

    public override LayerState Fork()
    {
        RecurrentState fork = New();
        fork.Length = Length;
        memory.Span(0, memory.Length).CopyTo(fork.memory.Span(0, memory.Length));
        if (counter is not null)
            fork.CountIn(counter);
        return fork;
    }

    public override void Dispose()
    {
        if (!memory.IsDisposed)
            counter?.Add(-Bytes);
        memory.Dispose();
    }

    /// <summary>One of the same sizes that has read nothing.</summary>
    protected abstract RecurrentState New();
}
