using System.Diagnostics;
using System.Globalization;
using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>Products with quantized weights on one thread: whole-number operations a second with many rows, bytes of the weight a second with one.</summary>
internal static unsafe class QuantizedProducts
{
    private static readonly QuantizedLayout[] Layouts =
    [
        new("Q8_0", 8, ScaleKind.Half, 32, 128),
        new("Q4_0", 4, ScaleKind.Half, 32, 8),
        new("Q4_K", 4, ScaleKind.SuperWithMinimum, 32, 0),
        new("Q5_K", 5, ScaleKind.SuperWithMinimum, 32, 0),
        new("Q6_K", 6, ScaleKind.SuperSigned, 16, 32),
    ];

    private static readonly (int M, int N, int K)[] Shapes =
        [(256, 1024, 1024), (12, 512, 1024), (1, 512, 1024), (4, 512, 1024), (1, 131072, 1024), (4, 131072, 1024), (16, 131072, 1024)];

    public static void Run()
    {
        foreach (QuantizedLayout layout in Layouts)
        {
            Console.Write(string.Create(CultureInfo.InvariantCulture, $"{layout.Name,-6} {QuantizedTile.Instructions(layout.Bits == 8 ? 255 : 63)}"));
            foreach ((int m, int n, int k) in Shapes)
            {
                (double seconds, double bytes) = Time(layout, m, n, k);
                Console.Write(string.Create(CultureInfo.InvariantCulture,
                    $"   {m} x {n} x {k}: {2e-9 * m * n * k / seconds,6:F1} GOP/s, {bytes / seconds * 1e-9,5:F1} GB/s"));
            }
            Console.WriteLine();
        }
    }

    private static (double Seconds, double Bytes) Time(QuantizedLayout layout, int m, int n, int k)
    {
        long bytes = n / QuantizedLayout.Rows * layout.PanelBytes(k);
        using NativeBlock panels = new("bench", bytes / 4 + 16), x = new("bench", (long)m * k), c = new("bench", (long)m * n),
            rounded = new("bench", RoundedRows.FloatsFor(m, k, layout.Part));
        byte[] pattern = new byte[4096 + 64];
        new Random(1).NextBytes(pattern);
        // No exponent of a half is the highest one.
        for (int i = 0; i < pattern.Length; i++)
            pattern[i] &= 0x3B;
        Span<byte> all = new((byte*)panels.Pointer, checked((int)bytes));
        for (int at = 0; at < all.Length; at += pattern.Length)
            pattern.AsSpan(0, Math.Min(pattern.Length, all.Length - at)).CopyTo(all[at..]);
        for (int i = 0; i < m * k; i++)
            x.Pointer[i] = (i * 7919 % 1000 - 500) * 0.01f;
        RoundedRows rows = new(rounded.Pointer, m, k, layout.Part);
        double best = double.MaxValue;
        for (int turn = 0; turn < 15; turn++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int row = 0; row < m; row++)
                rows.Round(row, x.Pointer + row * k, QuantizedTile.OffsetLeft(layout));
            QuantizedProduct.Multiply(layout, (byte*)panels.Pointer, n, k, rows, 0, m, c.Pointer, n, false, null);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return (best, bytes);
    }
}
