using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Lemma.Data;

/// <summary>Leaves out examples whose texts occurred before, apart from how they are spaced.</summary>
public static class DistinctExamples
{
    /// <summary>The examples that are the first with their texts; what is remembered of each is 128 bits of a SHA-256.</summary>
    /// <param name="examples">The examples, in any number; they are read once.</param>
    /// <param name="report">Told what is left out.</param>
    public static IEnumerable<T> Of<T>(IEnumerable<T> examples, DataReport report) where T : DataExample
    {
        HashSet<UInt128> seen = [];
        foreach (T example in examples)
        {
            if (seen.Add(Key(example)))
                yield return example;
            else
                report.CountDropped(DropReason.Duplicate, example.Source);
        }
    }

    private static UInt128 Key(DataExample example)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (string text in example.Texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        return BinaryPrimitives.ReadUInt128LittleEndian(hash.GetHashAndReset());
    }
}
