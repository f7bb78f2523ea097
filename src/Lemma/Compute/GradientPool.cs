using System.Numerics;
using Lemma.Formulas;

namespace Lemma.Compute;

/// <summary>Buffers for gradients of activations: few are alive at a time, so they are lent by size and come back as the backward pass goes.</summary>
/// <remarks>Sizes are rounded up to four classes an octave, so that steps of many lengths share buffers.</remarks>
internal sealed unsafe class GradientPool(CountedMemory? counted = null) : IDisposable
{
    private readonly Dictionary<long, Stack<NativeBlock>> free = [];
    private readonly List<NativeBlock> all = [];
    private readonly Dictionary<NativeBlock, long> touched = [];

    /// <summary>The elements of all buffers that the pool has.</summary>
    public long Elements => all.Sum(block => block.Length);

    /// <summary>Elements of buffers that were ever lent: the others cost no physical pages.</summary>
    public long Touched => all.Sum(block => touched[block]);

    public NativeBlock Take(long count)
    {
        long size = SizeOf(count);
        if (free.TryGetValue(size, out Stack<NativeBlock>? buffers) && buffers.TryPop(out NativeBlock? buffer))
        {
            touched[buffer] = Math.Max(touched[buffer], count);
            return buffer;
        }
        buffer = counted is null ? new NativeBlock("gradients", size) : new NativeBlock("gradients", size, counted);
        all.Add(buffer);
        touched.Add(buffer, count);
        return buffer;
    }

    public void Return(NativeBlock buffer)
    {
        if (!free.TryGetValue(buffer.Length, out Stack<NativeBlock>? buffers))
            free.Add(buffer.Length, buffers = new Stack<NativeBlock>());
        buffers.Push(buffer);
    }

    public void Dispose()
    {
        foreach (NativeBlock buffer in all)
            buffer.Dispose();
        all.Clear();
        touched.Clear();
        free.Clear();
    }

    /// <summary>The least of 4, 5, 6 or 7 times a power of two that holds a number of elements.</summary>
    internal static long SizeOf(long count)
    {
        if (NativeBlock.Source.IsExact || count <= 64)
            return NativeBlock.Source.IsExact ? count : 64;
        int shift = BitOperations.Log2((ulong)(count - 1)) - 2;
        return ((count - 1 >> shift) + 1) << shift;
    }
}
