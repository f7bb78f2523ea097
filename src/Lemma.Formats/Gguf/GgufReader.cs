namespace Lemma.Formats;

/// <summary>Reads GGUF files of versions 2 and 3: values, a table of tensors, their bytes at aligned places.</summary>
internal static class GgufReader
{
    /// <summary>The first four bytes, as a number.</summary>
    public const uint Magic = 0x46554747;

    /// <summary>The most tensors of a file, and the fewest bytes that one takes in the table.</summary>
    public const int MostTensors = 1 << 20, LeastBytesOfTensor = 24;

    private const int MostAxes = 4, UsualAlignment = 32;
    private const string AlignmentName = "general.alignment";

    /// <summary>Reads values and table; the file belongs to what is returned.</summary>
    public static TensorFile Read(MappedFile file)
    {
        try
        {
            using MappedFile.Loan loan = file.Borrow();
            GgufCursor cursor = new(loan, file.Length);
            Dictionary<string, object> values = GgufMetadata.Read(ref cursor, out int count);
            return new TensorFile(file.Path, ReadTable(ref cursor, count, Alignment(values), file), values, [file]);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{file.Path}: GGUF: {error.Message}", error);
        }
    }

    private static long Alignment(Dictionary<string, object> values) => !values.TryGetValue(AlignmentName, out object? value) ? UsualAlignment
        : value is uint alignment and >= 1 and <= 1 << 20 && uint.IsPow2(alignment) ? alignment
        : throw new InvalidDataException($"{AlignmentName} must be a power of two of 32 bits up to {1 << 20}, but is {value}");

    private static TensorEntry[] ReadTable(ref GgufCursor cursor, int count, long alignment, MappedFile file)
    {
        List<(string Name, GgufType Type, long[] Sizes, long Offset, long Bytes)> table = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string name = cursor.Text();
            if (!names.Add(name))
                throw new InvalidDataException($"the tensor '{name}' stands twice");
            long[] sizes = ReadSizes(ref cursor, name);
            uint number = cursor.UInt();
            GgufType type = GgufType.Find(number) ?? throw new InvalidDataException($"the tensor '{name}' has the unknown type {number}");
            ulong offset = cursor.ULong();
            long bytes = BytesOf(name, type, sizes);
            if (offset > (ulong)file.Length || (long)offset % alignment != 0)
                throw new InvalidDataException($"the tensor '{name}' must begin in the file at a multiple of {alignment}, but begins at {offset}");
            table.Add((name, type, sizes, (long)offset, bytes));
        }
        long begin = (cursor.Position + alignment - 1) / alignment * alignment, end = 0;
        foreach ((string name, GgufType type, long[] sizes, long offset, long bytes) in table.OrderBy(row => row.Offset).ThenBy(row => row.Bytes))
        {
            if (offset < end)
                throw new InvalidDataException($"the tensor '{name}' begins at {offset} of the data, inside the one before it, which ends at {end}");
            if (bytes > file.Length - begin - offset)
                throw new InvalidDataException($"truncated: the tensor '{name}' of {type.Name} {TensorEntry.Format(sizes)} takes {bytes} bytes from byte "
                    + $"{begin + offset} on, but the file has {file.Length} bytes");
            end = offset + bytes;
        }
        return [.. table.Select(row => new TensorEntry(row.Name, row.Type.Name, row.Sizes, file, begin + row.Offset, row.Bytes))];
    }

    // The file has the fastest axis first.
    private static long[] ReadSizes(ref GgufCursor cursor, string name)
    {
        uint axes = cursor.UInt();
        if (axes > MostAxes)
            throw new InvalidDataException($"the tensor '{name}' must have at most {MostAxes} axes, but has {axes}");
        long[] sizes = new long[axes];
        for (int axis = sizes.Length - 1; axis >= 0; axis--)
            sizes[axis] = cursor.ULong() is ulong size and <= long.MaxValue ? (long)size
                : throw new InvalidDataException($"the tensor '{name}' has an axis that is longer than any file");
        return sizes;
    }

    private static long BytesOf(string name, GgufType type, long[] sizes)
    {
        UInt128 count = 1;
        foreach (long size in sizes)
            count = size == 0 ? 0 : count > long.MaxValue ? count : count * (UInt128)size;
        if (type.BlockElements > 1 && (sizes.Length == 0 || sizes[^1] % type.BlockElements != 0))
            throw new InvalidDataException($"the tensor '{name}' of {type.Name} must have rows of whole blocks of {type.BlockElements} elements, "
                + $"but has the shape {TensorEntry.Format(sizes)}");
        if (count > long.MaxValue || count / (UInt128)type.BlockElements * (UInt128)type.BlockBytes > long.MaxValue)
            throw new InvalidDataException($"the tensor '{name}' of shape {TensorEntry.Format(sizes)} is larger than any file");
        return (long)count / type.BlockElements * type.BlockBytes;
    }
}
