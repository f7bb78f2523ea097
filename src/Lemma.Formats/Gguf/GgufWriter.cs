using System.Text;

namespace Lemma.Formats;

/// <summary>Writes GGUF files of version 3: values, a table of tensors, their bytes at multiples of 32; equal values and tensors give equal bytes.</summary>
public static class GgufWriter
{
    private const int Alignment = 32, Version = 3, PartElements = 1 << 16, PartsTogether = 32;

    /// <summary>The types that tensors are written as.</summary>
    public static string Types => "F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K";

    /// <summary>The elements of a block of a type, which rows must hold whole ones of.</summary>
    /// <exception cref="ArgumentException">The type is none of <see cref="Types"/>.</exception>
    public static int BlockElements(string type) => TypeOf(type).Type.BlockElements;

    /// <summary>Writes a file under a temporary name, flushes it to disk and renames it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="values">Numbers, truth values, texts, and arrays of one of these, in the order of the file.</param>
    /// <param name="tensors">In the order of the file.</param>
    /// <param name="options">Progress and threads; null for neither.</param>
    /// <returns>What rounding did to each tensor.</returns>
    /// <exception cref="ArgumentException">A name stands twice, a type is not written, a row holds no whole blocks, a number has no place in its type.</exception>
    public static IReadOnlyList<GgufRounding> Write(string path, IReadOnlyCollection<KeyValuePair<string, object>> values, IReadOnlyList<GgufTensor> tensors,
        GgufOptions? options = null)
    {
        options ??= new GgufOptions();
        byte[] head = Head(values, tensors);
        long total = tensors.Sum(BytesOf), written = 0;
        List<GgufRounding> rounding = [];
        AtomicFile.Write(path, stream =>
        {
            stream.Write(head);
            foreach (GgufTensor tensor in tensors)
            {
                rounding.Add(WriteTensor(stream, tensor, options, bytes => options.Progress?.Invoke(written += bytes, total)));
                stream.Write(new byte[Padding(BytesOf(tensor))]);
            }
        });
        return rounding;
    }

    private static (uint Number, GgufType Type) TypeOf(string name)
    {
        for (uint number = 0; number < 64; number++)
        {
            if (GgufType.Find(number) is { } type && type.Name == name && (FloatConversion.Find(name) is not null || BlockFormat.Find(name) is { IsWritten: true }))
                return (number, type);
        }
        throw new ArgumentException($"gguf: tensors are written as {Types}, not as '{name}'");
    }

    private static long BytesOf(GgufTensor tensor)
    {
        GgufType type = TypeOf(tensor.Type).Type;
        return checked(tensor.Count / type.BlockElements * type.BlockBytes);
    }

    private static int Padding(long length) => (int)((Alignment - length % Alignment) % Alignment);

    private static byte[] Head(IReadOnlyCollection<KeyValuePair<string, object>> values, IReadOnlyList<GgufTensor> tensors)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(GgufReader.Magic);
        writer.Write(Version);
        writer.Write((long)tensors.Count);
        writer.Write((long)values.Count);
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach ((string name, object value) in values)
        {
            Fault.Unless(names.Add(name), $"gguf: the value '{name}' stands twice");
            Write(writer, name);
            GgufMetadata.Write(writer, name, value);
        }
        names.Clear();
        long offset = 0;
        foreach (GgufTensor tensor in tensors)
        {
            (uint number, GgufType type) = TypeOf(tensor.Type);
            Fault.Unless(names.Add(tensor.Name), $"gguf: the tensor '{tensor.Name}' stands twice");
            Fault.Unless(tensor.Sizes.Count is >= 1 and <= 4 && tensor.Sizes.All(size => size > 0),
                $"gguf: the tensor '{tensor.Name}' must have 1 to 4 axes of at least 1, but they are [{string.Join(", ", tensor.Sizes)}]");
            Fault.Unless(tensor.Sizes[^1] % type.BlockElements == 0,
                $"gguf: rows of {tensor.Type} hold whole blocks of {type.BlockElements}, but those of '{tensor.Name}' have {tensor.Sizes[^1]} elements");
            Write(writer, tensor.Name);
            writer.Write(tensor.Sizes.Count);
            foreach (int size in tensor.Sizes.Reverse())
                writer.Write((long)size);
            writer.Write(number);
            writer.Write(offset);
            offset += BytesOf(tensor) + Padding(BytesOf(tensor));
        }
        writer.Write(new byte[Padding(stream.Length)]);
        return stream.ToArray();
    }

    internal static void Write(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    // Rows are rounded in parts, which threads share, and errors are added in the order of the parts.
    private static GgufRounding WriteTensor(Stream stream, GgufTensor tensor, GgufOptions options, Action<int> report)
    {
        GgufType type = TypeOf(tensor.Type).Type;
        int columns = tensor.Sizes[^1], rowsOfPart = Math.Max(1, PartElements / columns);
        int partElements = checked(rowsOfPart * columns), partBytes = partElements / type.BlockElements * type.BlockBytes;
        ReadOnlySpan<float> numbers = tensor.Source();
        Fault.Unless(numbers.Length == tensor.Count, $"gguf: '{tensor.Name}' was declared with {tensor.Count} elements, but has {numbers.Length}");
        int importances = tensor.Importance.Length / columns;
        Fault.Unless(tensor.Importance.Length == importances * (long)columns && (importances == 0 || numbers.Length / columns % importances == 0),
            $"gguf: '{tensor.Name}' has {numbers.Length / columns} rows of {columns}, but {tensor.Importance.Length} numbers say what counts");
        int rowsOfImportance = importances == 0 ? 0 : numbers.Length / columns / importances;
        int together = (int)Math.Min(PartsTogether, (numbers.Length + partElements - 1L) / partElements);
        float[] some = new float[checked(together * partElements)];
        byte[] bytes = new byte[checked(together * partBytes)];
        (double Error, double Size)[] sums = new (double, double)[together];
        double error = 0, size = 0;
        for (int done = 0; done < numbers.Length;)
        {
            int count = Math.Min(some.Length, numbers.Length - done), parts = (count + partElements - 1) / partElements, first = done / columns;
            numbers.Slice(done, count).CopyTo(some);
            options.Run(parts, part =>
            {
                int begin = part * partElements, length = Math.Min(partElements, count - begin);
                sums[part] = Round(tensor, some.AsSpan(begin, length), bytes.AsSpan(part * partBytes, length / type.BlockElements * type.BlockBytes),
                    first + begin / columns, columns, rowsOfImportance);
            });
            for (int part = 0; part < parts; part++)
                (error, size) = (error + sums[part].Error, size + sums[part].Size);
            int written = count / type.BlockElements * type.BlockBytes;
            stream.Write(bytes, 0, written);
            report(written);
            done += count;
        }
        return new GgufRounding(tensor.Name, tensor.Type, tensor.Count, error, size);
    }

    private static (double Error, double Size) Round(GgufTensor tensor, Span<float> numbers, Span<byte> bytes, int firstRow, int columns, int rowsOfImportance)
    {
        double error = 0, size = 0;
        float[] read = new float[numbers.Length];
        if (BlockFormat.Find(tensor.Type) is { } format)
        {
            int rows = numbers.Length / columns, bytesOfRow = bytes.Length / rows;
            for (int row = 0; row < rows; row++)
                format.Quantize(numbers.Slice(row * columns, columns), bytes.Slice(row * bytesOfRow, bytesOfRow),
                    rowsOfImportance == 0 ? default : tensor.Importance.Span.Slice((firstRow + row) / rowsOfImportance * columns, columns));
            format.Dequantize(bytes, read);
        }
        else
        {
            FloatType type = FloatConversion.Find(tensor.Type)!.Value;
            FloatConversion.Write(type, numbers, bytes);
            FloatConversion.Read(type, bytes, read);
        }
        for (int i = 0; i < read.Length; i++)
        {
            double off = (double)read[i] - numbers[i];
            error += off * off;
            size += (double)numbers[i] * numbers[i];
        }
        return (error, size);
    }
}
