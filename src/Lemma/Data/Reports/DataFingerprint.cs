using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Lemma.Data;

/// <summary>What data are, in 256 bits: the same texts in the same order have the same fingerprint on every machine.</summary>
/// <remarks>SHA-256, example by example: each hash is that of the hash before, and of the example's texts in UTF-8, each behind its length.</remarks>
public sealed class DataFingerprint
{
    private byte[] state = new byte[SHA256.HashSizeInBytes];

    /// <summary>How many examples it has seen.</summary>
    public long Examples { get; private set; }

    /// <summary>The fingerprint of what it has seen, in 64 hexadecimal digits.</summary>
    public string Hash => Convert.ToHexStringLower(state);

    /// <summary>The same examples, each of them seen when it is asked for.</summary>
    public IEnumerable<T> Through<T>(IEnumerable<T> examples) where T : DataExample
    {
        foreach (T example in examples)
        {
            Add(example);
            yield return example;
        }
    }

    /// <summary>Sees an example.</summary>
    public void Add(DataExample example)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(state);
        Span<byte> length = stackalloc byte[4];
        foreach (string text in example.Texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        (state, Examples) = (hash.GetHashAndReset(), Examples + 1);
    }
}
