namespace Lemma.Formulas;

/// <summary>What every block of a pass that only counts stands for: addresses that may be written to, whatever the length of the block.</summary>
/// <remarks>
/// Parts of operations that run on worker threads do not run then (<c>Workers.Counting</c>); what an operation does beside them, sums of a few losses say,
/// reads and writes here. Spans of blocks end with it, so that what would need more is an exception.
/// </remarks>
internal sealed unsafe class CountedMemory : IDisposable
{
    /// <summary>Elements that are there: 64 MiB, of which pages that nobody touches are never taken.</summary>
    public const int Elements = 16 << 20;

    private readonly NativeBlock memory = new("counting", Elements, isCleared: true);

    /// <summary>The first element.</summary>
    public float* Address => memory.Pointer;

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => memory.Dispose();
}
