using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>A quantized weight of random numbers, as panels and as the floats that it stands for, with its product by plain loops.</summary>
internal sealed unsafe class QuantizedCases
{
    public static readonly QuantizedLayout[] All =
    [
        new("8 bits", 8, ScaleKind.Half, 32, 128),
        new("4 bits", 4, ScaleKind.Half, 32, 8),
        new("4 bits with minima", 4, ScaleKind.HalfWithMinimum, 32, 0),
        new("5 bits", 5, ScaleKind.Half, 32, 16),
        new("5 bits with minima", 5, ScaleKind.HalfWithMinimum, 32, 0),
        new("2 bits of 256", 2, ScaleKind.SuperWithMinimum, 16, 0),
        new("3 bits of 256", 3, ScaleKind.SuperSigned, 16, 4),
        new("4 bits of 256", 4, ScaleKind.SuperWithMinimum, 32, 0),
        new("5 bits of 256", 5, ScaleKind.SuperWithMinimum, 32, 0),
        new("6 bits of 256", 6, ScaleKind.SuperSigned, 16, 32),
        new("a table", 4, ScaleKind.Half, 32, 0, -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
        new("a table with exponents", 4, ScaleKind.Exponent, 32, 0, 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12),
    ];

    private readonly int[] numbers;
    private readonly float[] scales, minima;

    public QuantizedCases(QuantizedLayout layout, int n, int columns, int seed, int? number = null)
    {
        (Layout, N, Columns) = (layout, n, columns);
        Random random = new(seed);
        int parts = columns / layout.Part, perScale = layout.Columns / layout.Part;
        (numbers, scales, minima, Values) = (new int[n * columns], new float[n * parts], new float[n * parts], new float[n * columns]);
        Panels = new byte[(n + 15) / 16 * layout.PanelBytes(columns)];
        bool isSuper = layout.Columns == 256, hasMinima = layout.Scales is ScaleKind.HalfWithMinimum or ScaleKind.SuperWithMinimum;
        for (int row = 0; row < n; row++)
        {
            byte[] stored = new byte[columns];
            random.NextBytes(stored);
            for (int i = 0; i < columns; i++)
                stored[i] = (byte)(number ?? stored[i] & ((1 << layout.Bits) - 1));
            ushort[] d = Halves(columns / layout.Columns), m = Halves(hasMinima ? columns / layout.Columns : 0);
            if (layout.Scales == ScaleKind.Exponent)
                d = [.. d.Select((_, i) => (ushort)(i == 0 ? row % 3 : random.Next(110, 130)))];
            byte[] s = new byte[isSuper ? parts : 0], t = new byte[hasMinima && isSuper ? parts : 0];
            random.NextBytes(s);
            random.NextBytes(t);
            fixed (byte* panels = Panels)
                QuantizedPanel.Put(layout, panels + row / 16 * layout.PanelBytes(columns), columns, row % 16, new QuantizedRow(stored, d, m, s, t));
            for (int part = 0; part < parts; part++)
            {
                int group = part / perScale;
                float scale = layout.Scales == ScaleKind.Exponent ? MathF.ScaleB(1, d[group] - 128) : (float)BitConverter.UInt16BitsToHalf(d[group]);
                float minimum = hasMinima ? (float)BitConverter.UInt16BitsToHalf(m[group]) : 0;
                scales[row * parts + part] = layout.Scales switch
                {
                    ScaleKind.SuperWithMinimum => scale * s[part],
                    ScaleKind.SuperSigned => scale * (sbyte)s[part],
                    _ => scale,
                };
                minima[row * parts + part] = layout.Scales == ScaleKind.SuperWithMinimum ? -minimum * t[part] : minimum;
            }
            for (int i = 0; i < columns; i++)
            {
                int value = layout.Table.Length > 0 ? layout.Table[stored[i]] : stored[i] - layout.Offset;
                numbers[row * columns + i] = value;
                float scaled = scales[row * parts + i / layout.Part] * value;
                Values[row * columns + i] = hasMinima ? scaled + minima[row * parts + i / layout.Part] : scaled;
            }
        }

        ushort[] Halves(int count) => [.. Enumerable.Range(0, count).Select(i => BitConverter.HalfToUInt16Bits(i % 5 == 4 ? (Half)3e-6 : (Half)(random.NextSingle() - 0.5f)))];
    }

    public QuantizedLayout Layout { get; }

    public int N { get; }

    public int Columns { get; }

    public byte[] Panels { get; }

    /// <summary>[n, columns].</summary>
    public float[] Values { get; }

    public static float[] Rows(int m, int columns)
    {
        Random random = new(m + columns);
        return [.. Enumerable.Range(0, m * columns).Select(_ => 4 * random.NextSingle() - 2)];
    }

    /// <summary>x·Wᵀ, x rounded by blocks of 32, sums of whole numbers scaled in the order of the columns.</summary>
    public float[] Multiply(float[] x, int m, float[]? start = null)
    {
        float[] y = start is null ? new float[m * N] : [.. start];
        int parts = Columns / Layout.Part;
        bool hasMinima = Layout.Scales is ScaleKind.HalfWithMinimum or ScaleKind.SuperWithMinimum;
        for (int row = 0; row < m; row++)
        {
            for (int j = 0; j < N; j++)
            {
                float c = y[row * N + j];
                for (int part = 0; part < parts; part++)
                {
                    int first = part * Layout.Part, block = first / 32 * 32;
                    float largest = x.AsSpan(row * Columns + block, 32).ToArray().Max(MathF.Abs), scale = largest / 127, inverse = 127 / largest;
                    int sum = 0, all = 0;
                    for (int i = first; i < first + Layout.Part; i++)
                    {
                        int q = (int)MathF.Round(x[row * Columns + i] * inverse);
                        (sum, all) = (sum + q * numbers[j * Columns + i], all + q);
                    }
                    c = MathF.FusedMultiplyAdd(scales[j * parts + part] * scale, sum, c);
                    if (hasMinima)
                        c = MathF.FusedMultiplyAdd(minima[j * parts + part], scale * all, c);
                }
                y[row * N + j] = c;
            }
        }
        return y;
    }
}
