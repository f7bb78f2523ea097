using System.Runtime.InteropServices;

namespace Lemma.Tensors;

/// <summary>Buffers for gradients of activations: few are alive at a time, so they are lent by size and come back as the backward pass goes.</summary>
internal sealed unsafe class GradientPool : IDisposable
{
    private readonly Dictionary<long, Stack<nint>> free = [];
    private readonly List<nint> all = [];

    public float* Take(long count)
    {
        if (free.TryGetValue(count, out Stack<nint>? buffers) && buffers.TryPop(out nint buffer))
            return (float*)buffer;
        buffer = (nint)NativeMemory.AlignedAlloc(checked((nuint)((count + 15) / 16 * 16) * sizeof(float)), 64);
        all.Add(buffer);
        return (float*)buffer;
    }

    public void Return(float* buffer, long count)
    {
        if (!free.TryGetValue(count, out Stack<nint>? buffers))
            free.Add(count, buffers = new Stack<nint>());
        buffers.Push((nint)buffer);
    }

    public void Dispose()
    {
        foreach (nint buffer in all)
            NativeMemory.AlignedFree((void*)buffer);
        all.Clear();
        free.Clear();
    }
}
