namespace Lemma.Formats;

/// <summary>Elements that do not lie in row-major order, such as those of a transposed matrix.</summary>
internal static class StridedElements
{
    private const int ChunkElements = 1 << 12;

    /// <summary>Gathers elements in row-major order, from a place on.</summary>
    public static void Read(TensorEntry tensor, IReadOnlyList<long> strides, FloatType type, MappedFile.Loan loan, long first, Span<float> destination)
    {
        if (destination.Length == 0)
            return;
        int size = FloatConversion.BytesOf(type);
        long[] index = new long[strides.Count];
        long rest = first, offset = 0;
        for (int axis = index.Length - 1; axis >= 0; axis--)
        {
            index[axis] = rest % tensor.Sizes[axis];
            rest /= tensor.Sizes[axis];
            offset += index[axis] * strides[axis];
        }
        for (int i = 0; ;)
        {
            FloatConversion.Read(type, loan.Slice(tensor.Begin + offset * size, size), destination.Slice(i, 1));
            if (++i == destination.Length)
                return;
            int axis = index.Length - 1;
            while (index[axis] + 1 == tensor.Sizes[axis])
            {
                offset -= index[axis] * strides[axis];
                index[axis--] = 0;
            }
            index[axis]++;
            offset += strides[axis];
        }
    }

    /// <summary>Whether two tensors of one shape and type have the same bits.</summary>
    public static bool AreEqual(TensorFile file, TensorEntry one, TensorEntry other)
    {
        float[] left = new float[ChunkElements], right = new float[ChunkElements];
        for (long at = 0; at < one.Count; at += ChunkElements)
        {
            int count = (int)Math.Min(ChunkElements, one.Count - at);
            file.Read(one, left.AsSpan(0, count), at);
            file.Read(other, right.AsSpan(0, count), at);
            if (!System.Runtime.InteropServices.MemoryMarshal.AsBytes(left.AsSpan(0, count))
                    .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(right.AsSpan(0, count))))
                return false;
        }
        return true;
    }
}
