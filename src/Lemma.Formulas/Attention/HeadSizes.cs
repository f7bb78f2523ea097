namespace Lemma.Formulas;

/// <summary>
/// The sizes of an attention whose heads lie one after another: q [b, H, T, d], k [b, H_kv, S, d], v [b, H_kv, S, d_v], y [b, H, T, d_v].
/// </summary>
/// <param name="Batch">b.</param>
/// <param name="Heads">H.</param>
/// <param name="KeyValueHeads">H_kv, which divides H.</param>
/// <param name="Queries">T; they are the last positions of S.</param>
/// <param name="Keys">S.</param>
/// <param name="Width">d.</param>
/// <param name="ValueWidth">d_v.</param>
public readonly record struct HeadSizes(int Batch, int Heads, int KeyValueHeads, int Queries, int Keys, int Width, int ValueWidth)
{
    /// <summary>Query heads that share one key/value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Rows of queries: b·H·T.</summary>
    public int Rows => Batch * Heads * Queries;

    /// <summary>The sizes of q, k and v, checked against each other.</summary>
    public static HeadSizes Of(string formula, Values q, Values k, Values v)
    {
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        Check.That(q.Shape.Length == 4 && k.Shape.Length == 4 && v.Shape.Length == 4, formula,
            $"q, k and v must be [batch, heads, length, width], but they are {q}, {k} and {v}");
        Check.That(k.Shape[0] == q.Shape[0] && k.Columns == q.Columns && k.Shape.AsSpan(0, 3).SequenceEqual(v.Shape.AsSpan(0, 3)), formula,
            $"q {q}, k {k} and v {v} must agree in batch and width, k and v in heads and length");
        Check.That(k.Shape[1] > 0 && q.Shape[1] % k.Shape[1] == 0, formula,
            $"{k.Shape[1]} key/value heads do not divide {q.Shape[1]} heads");
        return new HeadSizes(q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2], k.Shape[2], q.Columns, v.Columns);
    }

    /// <summary>[b, T, H·d] as [b, H, T, d].</summary>
    internal static float[] Split(ReadOnlySpan<float> rows, int batch, int heads, int width)
    {
        float[] split = new float[rows.Length];
        Move(rows, split, batch, heads, width, split: true);
        return split;
    }

    /// <summary>[b, H, T, d] as [b, T, H·d].</summary>
    internal static float[] Join(ReadOnlySpan<float> heads, int batch, int count, int width)
    {
        float[] joined = new float[heads.Length];
        Move(heads, joined, batch, count, width, split: false);
        return joined;
    }

    private static void Move(ReadOnlySpan<float> from, Span<float> to, int batch, int heads, int width, bool split)
    {
        int length = from.Length / (batch * heads * width);
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < length; t++)
            {
                for (int h = 0; h < heads; h++)
                {
                    int row = ((b * length + t) * heads + h) * width, head = ((b * heads + h) * length + t) * width;
                    from.Slice(split ? row : head, width).CopyTo(to.Slice(split ? head : row, width));
                }
            }
        }
    }
}
