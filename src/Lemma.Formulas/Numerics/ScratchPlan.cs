namespace Lemma.Formulas;

/// <summary>The parts of a formula's scratch: sizes and addresses come from one list, so that they cannot disagree.</summary>
/// <remarks>Add every part first, then <see cref="Take"/>, then ask for addresses by what <see cref="Add"/> returned.</remarks>
internal unsafe ref struct ScratchPlan
{
    private long size;
    private float* memory;

    /// <summary>A further part; its place, for <see cref="At"/>.</summary>
    public long Add(long count)
    {
        long place = size;
        size += (count + 15) / 16 * 16;
        return place;
    }

    /// <summary>Takes memory for all parts.</summary>
    public void Take() => memory = ThreadScratch.Take(size);

    /// <summary>The address of a part.</summary>
    public readonly float* At(long place) => memory + place;
}
