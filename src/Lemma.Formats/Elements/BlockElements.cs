using System.Buffers;

namespace Lemma.Formats;

/// <summary>Elements that lie in blocks (<see cref="BlockFormat"/>), read from any place on.</summary>
internal static class BlockElements
{
    private const int ChunkBytes = 1 << 18;

    /// <summary>Reads elements in row-major order; where they begin or end inside of a block the rest of it is dropped.</summary>
    public static void Read(TensorEntry tensor, BlockFormat format, long first, Span<float> destination)
    {
        int chunk = ChunkBytes / format.Bytes;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(chunk * format.Bytes);
        Span<float> whole = stackalloc float[format.Elements];
        try
        {
            while (destination.Length > 0)
            {
                long block = first / format.Elements;
                int skipped = (int)(first % format.Elements), count;
                if (skipped > 0 || destination.Length < format.Elements)
                {
                    count = Math.Min(format.Elements - skipped, destination.Length);
                    Span<byte> one = bytes.AsSpan(0, format.Bytes);
                    tensor.Source.Read(one, tensor.Begin + block * format.Bytes);
                    format.Dequantize(one, whole);
                    whole.Slice(skipped, count).CopyTo(destination);
                }
                else
                {
                    int blocks = Math.Min(chunk, destination.Length / format.Elements);
                    count = blocks * format.Elements;
                    Span<byte> some = bytes.AsSpan(0, blocks * format.Bytes);
                    tensor.Source.Read(some, tensor.Begin + block * format.Bytes);
                    format.Dequantize(some, destination[..count]);
                }
                destination = destination[count..];
                first += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
