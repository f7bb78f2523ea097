using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>Memory for the inside of a formula: one block a thread, grown when needed, kept for the next call.</summary>
internal sealed unsafe class ThreadScratch
{
    [ThreadStatic]
    private static ThreadScratch? current;

    private float* memory;
    private long length;

    ~ThreadScratch() => NativeMemory.AlignedFree(memory);

    /// <summary>
    /// At least this many elements, 64-byte aligned, undefined; the next call on the same thread may hand out the same memory.
    /// </summary>
    public static float* Take(long count)
    {
        ThreadScratch scratch = current ??= new ThreadScratch();
        if (scratch.length < count)
        {
            NativeMemory.AlignedFree(scratch.memory);
            scratch.memory = (float*)NativeMemory.AlignedAlloc(checked((nuint)count * sizeof(float)), 64);
            scratch.length = count;
        }
        return scratch.memory;
    }
}
