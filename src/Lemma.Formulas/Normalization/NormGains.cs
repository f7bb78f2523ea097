using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>dγ += Σ n∘dy and dβ += Σ dy over the rows of a norm, n = (x − μ)·r: each element one chain in the order of rows.</summary>
/// <remarks>A chain goes on from what stands there, so a sum over some rows and then over more has the bits of one over all.</remarks>
internal static unsafe class NormGains
{
    // Columns whose sums are in registers while the rows pass by.
    private const int Together = 4 * Lanes.Count;

    /// <summary>Rows of a norm and what came back to them.</summary>
    /// <param name="X">Before the norm: x of the first row.</param>
    /// <param name="XStride">Elements from a row of x to the next.</param>
    /// <param name="Up">dy of the first row.</param>
    /// <param name="UpStride">Elements from a row of dy to the next.</param>
    /// <param name="Mean">μ of the first norm of the first row; null for 0.</param>
    /// <param name="Scale">r, likewise.</param>
    /// <param name="ScaleStride">Elements of μ and r from a row to the next.</param>
    /// <param name="Rows">How many rows.</param>
    /// <param name="Heads">Norms a row, each over <paramref name="Width"/> columns with the same γ.</param>
    /// <param name="Width">Columns from one norm of a row to the next.</param>
    internal readonly record struct Sum(nint X, nint XStride, nint Up, nint UpStride, nint Mean, nint Scale, int ScaleStride, int Rows, int Heads, int Width);

    /// <summary>The same for rows that lie together, of a norm without a mean.</summary>
    public static void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> r, ReadOnlySpan<float> dy, Span<float> dgamma) =>
        Add(x, default, r, dy, dgamma, default);

    /// <summary>The same for rows that lie together.</summary>
    public static void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> r, ReadOnlySpan<float> dy, Span<float> dgamma, Span<float> dbeta)
    {
        int d = dgamma.Length;
        fixed (float* px = x, pm = mean, pr = r, up = dy, dg = dgamma, db = dbeta)
            Add(new Sum((nint)px, d, (nint)up, d, (nint)pm, (nint)pr, 1, r.Length, 1, d), 0, d, dg, db);
    }

    /// <summary>Adds some columns' sums.</summary>
    /// <param name="sum">The rows.</param>
    /// <param name="first">The first column of each norm.</param>
    /// <param name="count">How many columns.</param>
    /// <param name="dgamma">dγ, from its first column on.</param>
    /// <param name="dbeta">dβ; null for none.</param>
    public static void Add(in Sum sum, int first, int count, float* dgamma, float* dbeta)
    {
        int end = first + count;
        for (; first + Together <= end; first += Together)
            AddMany(sum, first, dgamma + first, dbeta == null ? null : dbeta + first);
        for (; first < end; first += Lanes.Count)
            AddSome(sum, first, Math.Min(Lanes.Count, end - first), dgamma + first, dbeta == null ? null : dbeta + first);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddMany(in Sum sum, int first, float* dgamma, float* dbeta)
    {
        Vector512<float> g0 = Vector512.Load(dgamma), g1 = Vector512.Load(dgamma + 16), g2 = Vector512.Load(dgamma + 32), g3 = Vector512.Load(dgamma + 48);
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default;
        if (dbeta != null)
            (b0, b1, b2, b3) = (Vector512.Load(dbeta), Vector512.Load(dbeta + 16), Vector512.Load(dbeta + 32), Vector512.Load(dbeta + 48));
        for (int row = 0; row < sum.Rows; row++)
        {
            float* x = (float*)sum.X + row * sum.XStride + first, up = (float*)sum.Up + row * sum.UpStride + first;
            float* scale = (float*)sum.Scale + (nint)row * sum.ScaleStride, mean = sum.Mean == 0 ? null : (float*)sum.Mean + (nint)row * sum.ScaleStride;
            for (int head = 0; head < sum.Heads; head++, x += sum.Width, up += sum.Width, scale++)
            {
                Vector512<float> middle = Vector512.Create(mean == null ? 0 : *mean++), r = Vector512.Create(*scale);
                Vector512<float> u0 = Vector512.Load(up), u1 = Vector512.Load(up + 16), u2 = Vector512.Load(up + 32), u3 = Vector512.Load(up + 48);
                g0 = Vector512.FusedMultiplyAdd((Vector512.Load(x) - middle) * r, u0, g0);
                g1 = Vector512.FusedMultiplyAdd((Vector512.Load(x + 16) - middle) * r, u1, g1);
                g2 = Vector512.FusedMultiplyAdd((Vector512.Load(x + 32) - middle) * r, u2, g2);
                g3 = Vector512.FusedMultiplyAdd((Vector512.Load(x + 48) - middle) * r, u3, g3);
                (b0, b1, b2, b3) = (b0 + u0, b1 + u1, b2 + u2, b3 + u3);
            }
        }
        g0.Store(dgamma);
        g1.Store(dgamma + 16);
        g2.Store(dgamma + 32);
        g3.Store(dgamma + 48);
        if (dbeta == null)
            return;
        b0.Store(dbeta);
        b1.Store(dbeta + 16);
        b2.Store(dbeta + 32);
        b3.Store(dbeta + 48);
    }

    // At most sixteen columns; lanes beyond them hold zeros.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSome(in Sum sum, int first, int count, float* dgamma, float* dbeta)
    {
        Vector512<float> g = Lanes.LoadTail(new ReadOnlySpan<float>(dgamma, count)), b = default;
        if (dbeta != null)
            b = Lanes.LoadTail(new ReadOnlySpan<float>(dbeta, count));
        for (int row = 0; row < sum.Rows; row++)
        {
            float* x = (float*)sum.X + row * sum.XStride + first, up = (float*)sum.Up + row * sum.UpStride + first;
            float* scale = (float*)sum.Scale + (nint)row * sum.ScaleStride, mean = sum.Mean == 0 ? null : (float*)sum.Mean + (nint)row * sum.ScaleStride;
            for (int head = 0; head < sum.Heads; head++, x += sum.Width, up += sum.Width, scale++)
            {
                Vector512<float> u = Lanes.LoadTail(new ReadOnlySpan<float>(up, count));
                float middle = mean == null ? 0 : *mean++;
                g = Vector512.FusedMultiplyAdd((Lanes.LoadTail(new ReadOnlySpan<float>(x, count)) - Vector512.Create(middle)) * *scale, u, g);
                b += u;
            }
        }
        Lanes.StoreTail(g, new Span<float>(dgamma, count));
        if (dbeta != null)
            Lanes.StoreTail(b, new Span<float>(dbeta, count));
    }
}
