using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lemma.Formulas;

namespace Lemma.Compute;

/// <summary>How many bytes a second this machine reads from memory.</summary>
public static class MemoryRate
{
    private const long MostElements = 1 << 27;
    private const int Part = 1 << 16, Passes = 3;

    // Of the memory that the process may take; half a gigabyte is too much for a small container.
    private const long ShareOfMemory = 16;

    /// <summary>The best of three passes over half a gigabyte, or a sixteenth of the memory where that is less, by all threads.</summary>
    public static double Measure(Workers workers)
    {
        ArgumentNullException.ThrowIfNull(workers);
        return Measure(workers, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / ShareOfMemory, 0);
    }

    /// <summary>The best of the passes over some bytes, at least three, that begin within some seconds: from caches where they hold these bytes.</summary>
    /// <param name="workers">Threads that read.</param>
    /// <param name="bytes">Bytes, of which at most half a gigabyte is read.</param>
    /// <param name="seconds">Seconds in which passes begin.</param>
    public static double Measure(Workers workers, long bytes, double seconds)
    {
        ArgumentNullException.ThrowIfNull(workers);
        int parts = (int)Math.Max(1, Math.Min(bytes / sizeof(float), MostElements) / Part);
        // As weights lie: in large pages where the system gives them.
        using NativeBlock data = new("memory rate", (long)parts * Part);
        float[] sums = new float[parts];
        workers.Run(parts, data, static (in all, part) => all.Span((long)part * Part, Part).Fill(1));
        double best = double.MaxValue;
        long begin = Stopwatch.GetTimestamp();
        for (int pass = 0; pass < Passes || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            workers.Run(parts, (data, sums), static (in s, part) => s.sums[part] = Sum(s.data.Span((long)part * Part, Part)));
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return sizeof(float) * (double)data.Length / best;
    }

    // Compiled in full before it runs first; eight sums, so that no addition waits for another.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(Span<float> data)
    {
        ref float first = ref MemoryMarshal.GetReference(data);
        Vector512<float> a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        for (nuint i = 0; i < (nuint)data.Length; i += 128)
        {
            a += Vector512.LoadUnsafe(ref first, i);
            b += Vector512.LoadUnsafe(ref first, i + 16);
            c += Vector512.LoadUnsafe(ref first, i + 32);
            d += Vector512.LoadUnsafe(ref first, i + 48);
            e += Vector512.LoadUnsafe(ref first, i + 64);
            f += Vector512.LoadUnsafe(ref first, i + 80);
            g += Vector512.LoadUnsafe(ref first, i + 96);
            h += Vector512.LoadUnsafe(ref first, i + 112);
        }
        return Vector512.Sum(a + b + c + d + (e + f + g + h));
    }
}
