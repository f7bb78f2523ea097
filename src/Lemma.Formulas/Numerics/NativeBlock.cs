using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>Memory outside the collected heap that knows its length and whether it was given back: the only kind that the library takes.</summary>
/// <remarks>
/// 64-byte aligned. A block that is used after <see cref="Dispose"/>, or beyond its length, is an exception, never a crash. There is no
/// finalizer: it could run while a kernel works on an address whose owner nobody mentions any more.
/// </remarks>
internal sealed unsafe class NativeBlock : IDisposable
{
    private readonly CountedMemory? counted;
    private float* memory;

    /// <summary>A block that has a length and no memory of its own, for passes that only count.</summary>
    public NativeBlock(string owner, long count, CountedMemory counted)
    {
        Check.That(count >= 0, owner, $"the number of elements must not be negative, but it is {count}");
        (Owner, Length, this.counted) = (owner, count, counted);
        memory = counted.Address;
    }

    /// <summary>Takes memory for elements; what it holds is undefined unless it is cleared.</summary>
    public NativeBlock(string owner, long count, bool isCleared = false)
    {
        Check.That(count >= 0 && count <= long.MaxValue / sizeof(float) - 64, owner,
            $"the number of elements must not be negative or beyond memory, but it is {count}");
        (Owner, Length) = (owner, count);
        nuint bytes = checked((nuint)((count + 15) / 16 * 16) * sizeof(float));
        memory = (float*)Source.Take(bytes, isCleared);
        if (!isCleared)
            Source.Poison(memory, bytes);
    }

    /// <summary>Where memory comes from; tests put one here whose blocks end at a page that must not be touched.</summary>
    public static NativeSource Source { get; set; } = new();

    /// <summary>What the errors call the block.</summary>
    public string Owner { get; }

    /// <summary>How many elements there are.</summary>
    public long Length { get; }

    /// <summary>Whether the memory was given back.</summary>
    public bool IsDisposed => memory == null;

    /// <summary>The first element.</summary>
    public float* Pointer => memory != null ? memory : throw new ObjectDisposedException(Owner, $"{Owner}: it was disposed");

    /// <summary>The first of some elements that lie within the block.</summary>
    public float* At(long first, long count)
    {
        float* start = Pointer;
        Check.That(first >= 0 && count >= 0 && first <= Length - count, Owner, $"elements {first} to {first + count} are not within its {Length}");
        return counted is null ? start + first : start;
    }

    /// <summary>Some elements as a span.</summary>
    public Span<float> Span(long first, long count)
    {
        Check.That(count <= int.MaxValue, Owner, $"a span holds at most {int.MaxValue} elements, but {count} are asked for");
        return new Span<float>(At(first, count), (int)(counted is null ? count : Math.Min(count, CountedMemory.Elements)));
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        float* given = memory;
        memory = null;
        if (given != null && counted is null)
            Source.Return(given, checked((nuint)((Length + 15) / 16 * 16) * sizeof(float)));
    }
}

/// <summary>Where native memory comes from.</summary>
internal unsafe class NativeSource
{
    /// <summary>Whether every block is made to measure, so that a step beyond it can be noticed.</summary>
    public virtual bool IsExact => false;

    private const int Alignment = 64;

    /// <summary>64-byte aligned memory, all zero if asked for.</summary>
    /// <remarks>The system gives large blocks as pages that are zero once they are touched, so that clearing costs nothing before their first use.</remarks>
    public virtual void* Take(nuint bytes, bool isCleared)
    {
        byte* taken = (byte*)(isCleared ? NativeMemory.AllocZeroed(checked(bytes + Alignment)) : NativeMemory.Alloc(checked(bytes + Alignment)));
        // What was taken is at least 8-byte aligned, so there is room for its address before the next multiple of 64.
        byte* aligned = (byte*)(((nuint)taken + Alignment) & ~(nuint)(Alignment - 1));
        ((byte**)aligned)[-1] = taken;
        LargePages.Advise(aligned, bytes);
        return aligned;
    }

    /// <summary>Gives memory back.</summary>
    public virtual void Return(void* memory, nuint bytes) => NativeMemory.Free(((void**)memory)[-1]);

    /// <summary>Marks memory that nothing has been written to.</summary>
    public virtual void Poison(void* memory, nuint bytes) { }
}
