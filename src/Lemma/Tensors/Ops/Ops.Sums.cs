using System.Numerics.Tensors;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>s = Σ xᵢ, added in double in the order of the elements.</summary>
    /// <remarks>dxᵢ += ds.</remarks>
    public static Tensor Sum(this Tape tape, Tensor x)
    {
        Memory<int> all = tape.TakeIntegers(1);
        all.Span[0] = checked((int)x.Shape.Count);
        return tape.Sums(x, all);
    }

    /// <summary>sⱼ = Σ of the elements of part j, added in double in their order; an empty part gives 0.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">The elements, part after part.</param>
    /// <param name="lengths">The elements of each part; kept as they are until the tape is rewound.</param>
    /// <remarks>dxᵢ += dsⱼ for each element of part j.</remarks>
    public static Tensor Sums(this Tape tape, Tensor x, ReadOnlyMemory<int> lengths)
    {
        long total = 0;
        foreach (int length in lengths.Span)
        {
            Require.That(length >= 0, $"sums: a part cannot have {length} elements");
            total += length;
        }
        Require.That(total == x.Shape.Count && !lengths.IsEmpty, $"sums: parts of {total} elements in all do not fit x {x.Shape}");
        Tensor y = tape.New(new Shape(lengths.Length));
        ReadOnlySpan<float> left = tape[x];
        for (int part = 0; part < lengths.Length; part++)
        {
            double sum = 0;
            foreach (float value in left[..lengths.Span[part]])
                sum += value;
            tape[y][part] = (float)sum;
            left = left[lengths.Span[part]..];
        }
        tape.Record((x, y, lengths), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            Span<float> left = tape.Gradient(s.x), dy = tape.Gradient(s.y);
            for (int part = 0; part < s.lengths.Length; part++)
            {
                Span<float> own = left[..s.lengths.Span[part]];
                TensorPrimitives.Add(own, dy[part], own);
                left = left[own.Length..];
            }
        });
        return y;
    }

    /// <summary>Some elements of x, in their order.</summary>
    /// <remarks>y: [count]. dx[first + i] += dyᵢ.</remarks>
    public static Tensor Part(this Tape tape, Tensor x, int first, int count)
    {
        Require.That(first >= 0 && count >= 0 && first <= x.Shape.Count - count, $"part: {count} elements from {first} on do not lie within x {x.Shape}");
        Tensor y = tape.New(new Shape(count));
        tape[x].Slice(first, count).CopyTo(tape[y]);
        tape.Record((x, y, first), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            Span<float> dy = tape.Gradient(s.y), dx = tape.Gradient(s.x).Slice(s.first, dy.Length);
            TensorPrimitives.Add(dx, dy, dx);
        });
        return y;
    }

    /// <summary>yᵢ = x[placesᵢ].</summary>
    /// <remarks>places: below the elements of x, kept as they are until the tape is rewound; y: [places]. dx[placesᵢ] += dyᵢ.</remarks>
    public static Tensor Pick(this Tape tape, Tensor x, ReadOnlyMemory<int> places)
    {
        Tensor y = tape.New(new Shape(places.Length));
        for (int i = 0; i < places.Length; i++)
        {
            Require.That((uint)places.Span[i] < x.Shape.Count, $"pick: place {places.Span[i]} does not lie within x {x.Shape}");
            tape[y][i] = tape[x][places.Span[i]];
        }
        tape.Record((x, y, places), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            Span<float> dx = tape.Gradient(s.x), dy = tape.Gradient(s.y);
            for (int i = 0; i < dy.Length; i++)
                dx[s.places.Span[i]] += dy[i];
        });
        return y;
    }

    /// <summary>y[placesᵢ] = xᵢ, 0 elsewhere.</summary>
    /// <remarks>x: [n]; places: [n], all different and below <paramref name="count"/>; y: [count]. dxᵢ += dy[placesᵢ].</remarks>
    public static Tensor Place(this Tape tape, Tensor x, ReadOnlyMemory<int> places, int count)
    {
        Require.That(places.Length == x.Shape.Count, $"place: {places.Length} places do not fit x {x.Shape}");
        Tensor y = tape.New(new Shape(count));
        Span<float> to = tape[y];
        to.Clear();
        for (int i = 0; i < places.Length; i++)
            to[places.Span[i]] = tape[x][i];
        tape.Record((x, y, places), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            Span<float> dx = tape.Gradient(s.x), dy = tape.Gradient(s.y);
            for (int i = 0; i < dx.Length; i++)
                dx[i] += dy[s.places.Span[i]];
        });
        return y;
    }
}
