using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lemma.Formulas;

/// <summary>y = H·x/√n, H the Hadamard matrix of Sylvester: an orthonormal turn that is its own inverse and spreads one large number over all.</summary>
/// <remarks>
/// x, y: [rows, n], n a power of two; H_ij = (−1)^popcount(i∧j). n·log₂ n additions by the fast Walsh-Hadamard transform. Products of turned vectors
/// are those of the vectors: ⟨H·x/√n, H·z/√n⟩ = ⟨x, z⟩. Fino and Algazi 1976, Unified matrix treatment of the fast Walsh-Hadamard transform.
/// </remarks>
public static class Hadamard
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "hadamard",
        Group = "Linear algebra",
        Text = "y = H·x/√n, H_ij = (−1)^popcount(i∧j)",
        Latex = @"y = \frac{1}{\sqrt{n}} H x\qquad H_{ij} = (-1)^{\mathrm{popcount}(\mathrm{and}(i, j))}",
        Shapes = "x, y: [rows, n]",
        Symbols = "n: a power of two; i∧j: the bits that both have",
        Source = "Fino and Algazi 1976, Unified matrix treatment of the fast Walsh-Hadamard transform",
        Gradient = "dx += H·dy/√n",
        Notes = "Its own inverse. Keys and values are turned before they are rounded to few bits: an outlier is spread over all numbers.",
        Example = "x[3,16]",
        Evaluate = Evaluate,
    };

    /// <summary>y = H·x/√n for each row of n; y may be x.</summary>
    public static unsafe void Forward(ReadOnlySpan<float> x, int n, Span<float> y)
    {
        CheckRows(n, x.Length, y.Length);
        x.CopyTo(y);
        fixed (float* start = y)
        {
            for (int row = 0; row < y.Length; row += n)
                TurnAny(start + row, n);
        }
    }

    /// <summary>dx += H·dy/√n.</summary>
    public static unsafe void Backward(ReadOnlySpan<float> dy, int n, Span<float> dx)
    {
        CheckRows(n, dy.Length, dx.Length);
        float* turned = ThreadScratch.Take(n);
        for (int row = 0; row < dy.Length; row += n)
        {
            dy.Slice(row, n).CopyTo(new Span<float>(turned, n));
            TurnAny(turned, n);
            Lanes.AddScaled(new ReadOnlySpan<float>(turned, n), 1, dx.Slice(row, n));
        }
    }

    // Sums on the way are up to √n times the largest number: where they would overflow, they are taken n times smaller, exactly.
    private static unsafe void TurnAny(float* x, int n)
    {
        Span<float> all = new(x, n);
        float largest = MathF.Abs(System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(all));
        bool isLarge = float.IsFinite(largest) && largest > float.MaxValue / n;
        if (isLarge)
            System.Numerics.Tensors.TensorPrimitives.Multiply(all, 1f / n, all);
        Turn(x, n);
        if (isLarge)
            System.Numerics.Tensors.TensorPrimitives.Multiply(all, n, all);
    }

    /// <summary>Turns a vector of any length in place, in blocks of the largest power of two that divides it.</summary>
    internal static unsafe void TurnBlocks(float* x, int length)
    {
        int n = length & -length;
        for (int block = 0; block < length; block += n)
            Turn(x + block, n);
    }

    // Each number is one chain of additions, whatever the vectors' width. Scaled first: sums stay as small as what comes out.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Turn(float* x, int n)
    {
        float scale = (float)(1 / Math.Sqrt(n));
        int distance = 1;
        if (n >= 16)
        {
            for (int i = 0; i < n; i += 16)
                Sixteen(x + i, scale);
            distance = 16;
        }
        else
        {
            for (int i = 0; i < n; i++)
                x[i] *= scale;
        }
        for (; distance < n; distance *= 2)
        {
            for (int first = 0; first < n; first += 2 * distance)
                Pairs(x + first, distance);
        }
    }

    // Distances 1 and 2 inside four vectors, 4 and 8 between them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Sixteen(float* x, float scale)
    {
        Vector128<float> a = Four(x, scale), b = Four(x + 4, scale), c = Four(x + 8, scale), d = Four(x + 12, scale);
        (a, b, c, d) = (a + b, a - b, c + d, c - d);
        (a + c).Store(x);
        (b + d).Store(x + 4);
        (a - c).Store(x + 8);
        (b - d).Store(x + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector128<float> Four(float* x, float scale)
    {
        Vector128<float> four = Vector128.Load(x) * scale;
        four = Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)) + four * Vector128.Create(1f, -1, 1, -1);
        return Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)) + four * Vector128.Create(1f, 1, -1, -1);
    }

    // (a, b) ↦ (a + b, a − b) for each number and the one at a distance.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Pairs(float* x, int distance)
    {
        float* y = x + distance;
        int i = 0;
        for (; i + 16 <= distance; i += 16)
        {
            Vector512<float> a = Vector512.Load(x + i), b = Vector512.Load(y + i);
            (a + b).Store(x + i);
            (a - b).Store(y + i);
        }
        for (; i < distance; i++)
            (x[i], y[i]) = (x[i] + y[i], x[i] - y[i]);
    }

    private static void CheckRows(int n, int x, int y)
    {
        Check.That(BitOperations.IsPow2(n), "hadamard", $"n must be a power of two, but it is {n}");
        Check.Rows("hadamard", x, n);
        Check.SameLength("hadamard", x, y);
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values x = call.Input("x", -1, -1), y = x.Like();
        Forward(x, x.Columns, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, x.Columns, call.Gradient("x"));
        return y;
    }
}
