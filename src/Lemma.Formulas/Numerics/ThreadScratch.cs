namespace Lemma.Formulas;

/// <summary>Memory for the inside of a formula: one block a thread, grown when needed, kept for the next call.</summary>
/// <remarks>Formulas work in chunks, so that what a thread keeps does not grow with the length of a sequence.</remarks>
internal static unsafe class ThreadScratch
{
    [ThreadStatic]
    private static ThreadBlock? current;

    /// <summary>
    /// At least this many elements, 64-byte aligned, undefined; the next call on the same thread may hand out the same memory.
    /// </summary>
    public static float* Take(long count)
    {
        ThreadBlock scratch = current ??= new ThreadBlock();
        return scratch.AtLeast(count);
    }
}

/// <summary>A block that ends with its thread: keep it in a static field of each thread alone, which holds it as long as code runs there.</summary>
internal sealed unsafe class ThreadBlock : IDisposable
{
    // A quarter of a megabyte at least, and half as much again when it grows: a sequence that grows by a token takes no memory a token.
    private const long Least = 1 << 16;
    private NativeBlock? block;

    ~ThreadBlock() => block?.Dispose();

    /// <summary>The block, made anew when it is too small.</summary>
    public float* AtLeast(long count)
    {
        if (block is null || block.Length < count || NativeBlock.Source.IsExact)
        {
            long length = NativeBlock.Source.IsExact ? count : Math.Max(Math.Max(count, Least), (block?.Length ?? 0) * 3 / 2);
            block?.Dispose();
            block = new NativeBlock("scratch", length);
        }
        return block.Pointer;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        block?.Dispose();
        GC.SuppressFinalize(this);
    }
}
