using System.Text;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

/// <summary>Small GGUF files, byte by byte.</summary>
internal static class GgufFile
{
    /// <summary>A file of one tensor 'x' without values.</summary>
    public static byte[] Of(string type, long[] sizes, byte[] data)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write(1L);
        writer.Write(0L);
        writer.Write(1L);
        writer.Write(Encoding.ASCII.GetBytes("x"));
        writer.Write(sizes.Length);
        foreach (long size in sizes.Reverse())
            writer.Write(size);
        writer.Write(Enumerable.Range(0, 64).First(number => GgufType.Find((uint)number)?.Name == type));
        writer.Write(0L);
        writer.Write(new byte[(32 - stream.Length % 32) % 32]);
        writer.Write(data);
        return stream.ToArray();
    }
}
