using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lemma.Server.Ollama;

/// <summary>A fingerprint of a model's files by their lengths and a million bytes of each, so that gigabytes need not be read.</summary>
/// <remarks>
/// SHA-256 over the files in ordinal order of their names: of each its name (of a single file none), its length, and its bytes, those of a file of more
/// than <see cref="Whole"/> bytes at <see cref="Places"/> places that lie evenly, the first and the last bytes among them. Where a model lies, when it was
/// written and the machine change nothing. It tells models apart, and does not guard against a file that was made to have another's digest.
/// </remarks>
internal static class ModelDigest
{
    /// <summary>Files up to this length are read as a whole.</summary>
    public const int Whole = 1 << 20;

    /// <summary>Places in a longer one, and bytes of each.</summary>
    public const int Places = 256, PieceBytes = Whole / Places;

    /// <summary>The files of a model, in the order of their names.</summary>
    public static IReadOnlyList<FileInfo> FilesOf(string path) => Directory.Exists(path)
        ? [.. new DirectoryInfo(path).EnumerateFiles().OrderBy(static file => file.Name, StringComparer.Ordinal)] : [new FileInfo(path)];

    /// <summary>The digest in 64 hexadecimal digits.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(string path)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = new byte[PieceBytes], number = new byte[sizeof(long)];
        bool hasNames = Directory.Exists(path);
        foreach (FileInfo file in FilesOf(path))
        {
            byte[] name = hasNames ? Encoding.UTF8.GetBytes(file.Name) : [];
            Add(name.Length);
            hash.AppendData(name);
            using FileStream stream = file.OpenRead();
            long length = stream.Length;
            Add(length);
            bool isWhole = length <= Whole;
            long pieces = isWhole ? (length + PieceBytes - 1) / PieceBytes : Places;
            for (long i = 0; i < pieces; i++)
            {
                // From the first byte to the last piece that fits; a product of two longs stays far below 2^63.
                stream.Position = isWhole ? i * PieceBytes : (length - PieceBytes) / (Places - 1) * i + (length - PieceBytes) % (Places - 1) * i / (Places - 1);
                int count = (int)Math.Min(PieceBytes, length - stream.Position);
                stream.ReadExactly(piece, 0, count);
                hash.AppendData(piece, 0, count);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Add(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
            hash.AppendData(number);
        }
    }

    /// <summary>What changes when a file of a model is written anew: names, lengths and times.</summary>
    public static string StampOf(string path) => string.Join('\n', FilesOf(path).Select(static file =>
        string.Create(CultureInfo.InvariantCulture, $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}")));
}
