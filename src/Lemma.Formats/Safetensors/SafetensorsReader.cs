using System.Buffers.Binary;

namespace Lemma.Formats;

/// <summary>Reads safetensors files: 8 bytes of length, a header in JSON, the bytes of the tensors without holes.</summary>
internal static class SafetensorsReader
{
    /// <summary>Reads the header; the file belongs to what is returned.</summary>
    public static TensorFile Read(MappedFile file)
    {
        if (file.Length < 8)
            throw Fault.In(file.Path, $"truncated: a safetensors file begins with 8 bytes of header length, but it has {file.Length} bytes");
        using MappedFile.Loan loan = file.Borrow();
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(loan.Slice(0, 8));
        if (headerBytes > (ulong)SafetensorsHeader.MaximumBytes)
            throw Fault.In(file.Path, $"safetensors header: its length {headerBytes} exceeds {SafetensorsHeader.MaximumBytes} bytes; "
                + $"this is no safetensors, GGUF or PyTorch file");
        if (headerBytes > (ulong)file.Length - 8)
            throw Fault.In(file.Path,
                $"truncated: the safetensors header ends at byte {headerBytes + 8}, but the file has {file.Length} bytes");
        (List<TensorEntry> tensors, Dictionary<string, object> metadata) =
            SafetensorsHeader.Parse(loan.Slice(8, (int)headerBytes), file, 8 + (long)headerBytes);
        return new TensorFile(file.Path, tensors, metadata, [file]);
    }
}
