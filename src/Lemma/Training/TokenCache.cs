using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lemma.Data;
using Lemma.Formats;
using Lemma.Text;

namespace Lemma.Training;

/// <summary>The ids of texts in a file that is mapped into memory: texts are tokenized once, by several threads, however often they are trained on.</summary>
/// <remarks>
/// A file's name is its key, the SHA-256 of the texts, the tokenizer and the id behind each text. It begins with 128 bytes: "LEMMATOK", the version and the
/// length of this header (each 4 bytes), how many ids follow (8 bytes), the key (32 bytes), the SHA-256 of the ids (32 bytes), zeros; then each id in 4 bytes, all
/// little-endian. All of it is checked before an id is used, so what is stale, cut or another's is made anew.
/// </remarks>
public sealed class TokenCache : IDisposable
{
    private const int Version = 1, HeaderLength = 128, HashLength = SHA256.HashSizeInBytes, Piece = 1 << 20, TextsAtATime = 4096;
    private static readonly byte[] Magic = "LEMMATOK"u8.ToArray();
    private readonly MappedFile file;
    private readonly MappedIds ids;

    private TokenCache(MappedFile file, int count, string path, bool isNew, string? fault)
    {
        (this.file, ids) = (file, new MappedIds(file, count));
        (Path, IsNew, Fault, Data) = (path, isNew, fault, new TokenDataset(ids.Memory));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Whether the texts were tokenized now.</summary>
    public bool IsNew { get; }

    /// <summary>Why a file that was there was not used; null where none was, or it was.</summary>
    public string? Fault { get; }

    /// <summary>The ids, for as long as the cache is not disposed.</summary>
    public TokenDataset Data { get; }

    /// <summary>The ids of texts: mapped from the folder's file of them, which is made first where it is not there or not to be trusted.</summary>
    /// <param name="folder">Where files of ids lie.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="tokenizer">The tokenizer; it adds no special tokens.</param>
    /// <param name="endId">The id behind each text; null for none.</param>
    /// <param name="threads">The most threads; null for all processors.</param>
    public static TokenCache Open(string folder, IReadOnlyList<string> texts, Tokenizer tokenizer, int? endId, int? threads = null)
    {
        byte[] key = KeyOf(texts, tokenizer, endId);
        string path = System.IO.Path.Combine(folder, $"{Convert.ToHexStringLower(key)}.tokens");
        string? fault = null;
        if (File.Exists(path))
        {
            if (TryMap(path, key, out fault) is { } found)
                return found;
        }
        Directory.CreateDirectory(folder);
        AtomicFile.Write(path, stream => Write(stream, key, texts, tokenizer, endId, threads));
        return TryMap(path, key, out string? mistake, isNew: true, fault) ?? throw new InvalidDataException($"{path}: just written, but {mistake}");
    }

    /// <summary>Lets go of the file.</summary>
    public void Dispose()
    {
        ((IDisposable)ids).Dispose();
        file.Dispose();
    }

    private static byte[] KeyOf(IReadOnlyList<string> texts, Tokenizer tokenizer, int? endId)
    {
        DataFingerprint seen = new();
        foreach (string text in texts)
            seen.Add(new TextDocument("", text));
        using MemoryStream stream = new();
        tokenizer.Save(stream);
        stream.Write(System.Text.Encoding.ASCII.GetBytes(FormattableString.Invariant($"{Version} {endId} {texts.Count} {seen.Hash}")));
        return SHA256.HashData(stream.ToArray());
    }

    private static void Write(Stream stream, byte[] key, IReadOnlyList<string> texts, Tokenizer tokenizer, int? endId, int? threads)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long count = 0;
        stream.Write(new byte[HeaderLength]);
        for (int first = 0; first < texts.Count; first += TextsAtATime)
        {
            foreach (int[] text in tokenizer.EncodeBatch([.. texts.Skip(first).Take(TextsAtATime)], addSpecialTokens: false, threads))
            {
                int[] ended = endId is { } end ? [.. text, end] : text;
                ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<int>(ended);
                stream.Write(bytes);
                hash.AppendData(bytes);
                count += ended.Length;
            }
        }
        if (count > int.MaxValue)
            throw new InvalidDataException($"tokens: there are {count}, but a run learns from {int.MaxValue} at most");
        Span<byte> header = stackalloc byte[HeaderLength];
        WriteHeader(header, count, key, hash.GetHashAndReset());
        stream.Position = 0;
        stream.Write(header);
        stream.Position = stream.Length;
    }

    private static void WriteHeader(Span<byte> header, long count, ReadOnlySpan<byte> key, ReadOnlySpan<byte> hash)
    {
        header.Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], HeaderLength);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], count);
        key.CopyTo(header[24..]);
        hash.CopyTo(header[(24 + HashLength)..]);
    }

    private static TokenCache? TryMap(string path, byte[] key, out string? fault, bool isNew = false, string? earlier = null)
    {
        MappedFile file = MappedFile.Open(path);
        fault = FaultOf(file, key, out int count);
        if (fault is null)
            return new TokenCache(file, count, path, isNew, earlier);
        file.Dispose();
        return null;
    }

    private static string? FaultOf(MappedFile file, byte[] key, out int count)
    {
        count = 0;
        if (file.Length < HeaderLength)
            return $"it has {file.Length} bytes, fewer than a header";
        byte[] header = new byte[HeaderLength], expected = new byte[HeaderLength], piece = new byte[Piece];
        file.Read(header, 0);
        long ids = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(16));
        ReadOnlySpan<byte> hash = header.AsSpan(24 + HashLength, HashLength);
        WriteHeader(expected, ids, key, hash);
        if (!header.AsSpan(0, 16).SequenceEqual(expected.AsSpan(0, 16)))
            return $"it is no file of ids of version {Version}";
        if (!header.AsSpan().SequenceEqual(expected))
            return "it holds the ids of other texts or of another tokenizer";
        if (ids is < 0 or > int.MaxValue || file.Length != HeaderLength + ids * sizeof(int))
            return $"it should hold {ids} ids, but it has {file.Length} bytes";
        using IncrementalHash content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = HeaderLength; at < file.Length; at += Piece)
        {
            Span<byte> some = piece.AsSpan(0, (int)Math.Min(Piece, file.Length - at));
            file.Read(some, at);
            content.AppendData(some);
        }
        if (!content.GetHashAndReset().AsSpan().SequenceEqual(hash))
            return "its ids are not those that it was written with";
        count = (int)ids;
        return null;
    }

    /// <summary>The ids of the file as memory. Whoever holds spans of it holds the cache.</summary>
    private sealed class MappedIds(MappedFile file, int count) : MemoryManager<int>
    {
        public override Memory<int> Memory => CreateMemory(count);

        public override Span<int> GetSpan()
        {
            if (count == 0)
                return [];
            // The loan sees to it that the file did not become shorter; more bytes than a span of them holds are fewer ids.
            using MappedFile.Loan loan = file.Borrow();
            ReadOnlySpan<byte> first = loan.Slice(HeaderLength, sizeof(int));
            return MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(MemoryMarshal.Cast<byte, int>(first)), count);
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException("tokens: a mapped file is not pinned");

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }
}
