using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Lemma.Formats;

/// <summary>A safetensors file opened for reading: named tensors, each a run of bytes in the file.</summary>
/// <remarks>
/// Opening reads the header alone and checks all of it: sizes against the file before memory is taken, no duplicate, hole or overlap.
/// A file that breaks a rule is refused with <see cref="InvalidDataException"/>, which names the file, the place and the reason.
/// </remarks>
public sealed class SafetensorsFile : IDisposable
{
    private const int ChunkElements = 1 << 16;
    private readonly Stream stream;
    private readonly Dictionary<string, SafetensorsEntry> byName;

    private SafetensorsFile(Stream stream, string path, List<SafetensorsEntry> tensors, Dictionary<string, string> metadata)
    {
        this.stream = stream;
        (Path, Tensors, Metadata) = (path, tensors, metadata);
        byName = tensors.ToDictionary(entry => entry.Name);
    }

    /// <summary>The path the file was opened with, as errors name it.</summary>
    public string Path { get; }

    /// <summary>Every tensor in the order of the header.</summary>
    public IReadOnlyList<SafetensorsEntry> Tensors { get; }

    /// <summary>The text beside the tensors, often <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    public static SafetensorsFile Open(string path)
    {
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        try
        {
            return Open(stream, path);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads from a stream that can seek, under a name for errors; the stream is closed with this object.</summary>
    public static SafetensorsFile Open(Stream stream, string name)
    {
        long length = stream.Length;
        if (length < 8)
            throw new InvalidDataException($"{name}: truncated: a safetensors file begins with 8 bytes of header length, but it has "
                + $"{length} bytes");
        Span<byte> prefix = stackalloc byte[8];
        stream.Position = 0;
        stream.ReadExactly(prefix);
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerBytes > (ulong)SafetensorsHeader.MaximumBytes)
            throw new InvalidDataException($"{name}: safetensors header: its length {headerBytes} exceeds "
                + $"{SafetensorsHeader.MaximumBytes} bytes; "
                + "this is not a safetensors file");
        if (headerBytes > (ulong)length - 8)
            throw new InvalidDataException($"{name}: truncated: the safetensors header ends at byte {headerBytes + 8}, but the file has "
                + $"{length} bytes");
        byte[] header = new byte[headerBytes];
        stream.ReadExactly(header);
        (List<SafetensorsEntry> tensors, Dictionary<string, string> metadata) =
            SafetensorsHeader.Parse(header, name, 8 + (long)headerBytes, length);
        return new SafetensorsFile(stream, name, tensors, metadata);
    }

    /// <summary>The tensor of a name, or null.</summary>
    public SafetensorsEntry? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Reads a tensor of F32, F16 or BF16 elements as float32, in row-major order.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="destination">As long as the tensor has elements.</param>
    public void Read(SafetensorsEntry tensor, Span<float> destination)
    {
        Fault.Unless(destination.Length == tensor.Count,
            $"safetensors: '{tensor.Name}' has {tensor.Count} elements, but the destination has {destination.Length}");
        RequireFloat(tensor);
        try
        {
            stream.Position = tensor.Begin;
            if (tensor.Type == "F32")
            {
                stream.ReadExactly(MemoryMarshal.AsBytes(destination));
                if (!BitConverter.IsLittleEndian)
                {
                    Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination);
                    BinaryPrimitives.ReverseEndianness(bits, bits);
                }
                return;
            }
            ReadHalves(tensor.Type == "BF16", destination);
        }
        catch (EndOfStreamException)
        {
            throw new InvalidDataException($"{Path}: truncated while '{tensor.Name}' was read: the file became shorter");
        }
    }

    internal bool AreEqual(SafetensorsEntry one, SafetensorsEntry other)
    {
        if (one.Type != other.Type || !one.Sizes.SequenceEqual(other.Sizes))
            return false;
        byte[] left = new byte[ChunkElements], right = new byte[ChunkElements];
        for (long at = 0; at < one.Bytes; at += ChunkElements)
        {
            int count = (int)Math.Min(ChunkElements, one.Bytes - at);
            stream.Position = one.Begin + at;
            stream.ReadExactly(left, 0, count);
            stream.Position = other.Begin + at;
            stream.ReadExactly(right, 0, count);
            if (!left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count)))
                return false;
        }
        return true;
    }

    internal void RequireFloat(SafetensorsEntry tensor)
    {
        if (tensor.Type is not ("F32" or "F16" or "BF16"))
            throw new InvalidDataException($"{Path}: the tensor '{tensor.Name}' has dtype {tensor.Type}; F32, F16 and BF16 can be "
                + "read as numbers");
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => stream.Dispose();

    private void ReadHalves(bool brain, Span<float> destination)
    {
        ushort[] buffer = new ushort[Math.Min(ChunkElements, destination.Length)];
        while (destination.Length > 0)
        {
            Span<ushort> chunk = buffer.AsSpan(0, Math.Min(buffer.Length, destination.Length));
            stream.ReadExactly(MemoryMarshal.AsBytes(chunk));
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(chunk, chunk);
            for (int i = 0; i < chunk.Length; i++)
                destination[i] = brain ? BitConverter.UInt32BitsToSingle((uint)chunk[i] << 16)
                    : (float)BitConverter.UInt16BitsToHalf(chunk[i]);
            destination = destination[chunk.Length..];
        }
    }
}
