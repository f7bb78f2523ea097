using System.Buffers.Binary;
using System.Text;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

/// <summary>Files that llama.cpp's writer wrote (bench/golden/gguf_files.py), and broken ones.</summary>
public class GgufTests
{
    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "gguf", name);

    [Theory]
    [InlineData("all.gguf")]
    [InlineData("parts-00001-of-00003.gguf")]
    [InlineData("parts-00003-of-00003.gguf")]
    public void ValuesAndTensorsAreRead(string name)
    {
        using TensorFile file = TensorFile.Open(Golden(name));
        IReadOnlyDictionary<string, object> values = file.Metadata;
        Assert.Equal("llama", values["general.architecture"]);
        Assert.Equal([(byte)200, (sbyte)-100, (ushort)60000, (short)-30000, 4000000000u, -2000000000, 1.5f, true, "text é", 1ul << 63, -(1L << 62), 1e300],
            ((string[])["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "uint64", "int64", "float64"])
                .Select(kind => values["a." + kind]));
        Assert.Equal(["a", "", "é"], Assert.IsType<string[]>(values["a.strings"]));
        Assert.Equal([0.5f, -2], Assert.IsType<float[]>(values["a.floats"]));
        Assert.Equal([1, -2, 3], Assert.IsType<int[]>(values["a.ints"]));
        Assert.Equal([true, false], Assert.IsType<bool[]>(values["a.bools"]));

        Assert.Equal(["single F32 [2, 3] 24", "half F16 [4] 8", "brain BF16 [3] 6", "Q8_0 Q8_0 [2, 32] 68", "Q4_0 Q4_0 [2, 32] 36"],
            file.Tensors.Select(entry => $"{entry} {entry.Bytes}"));
        Assert.Equal([0, 1, 2, 3, 4, 5], Read(file, "single"));
        Assert.Equal([0, 0.5f, 1, 1.5f], Read(file, "half"));
        Assert.Equal([1, -2.5f, 0.15625f], Read(file, "brain"));
        // 0, 1, ..., 63 in blocks of 32 whose largest is 127 and −8 times the scale.
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (float)i), Read(file, "Q8_0"), (one, other) => Math.Abs(one - other) <= 0.26f);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (float)i), Read(file, "Q4_0"), (one, other) => Math.Abs(one - other) <= 4.5f);
    }

    [Fact]
    public void PartsThatAreMissingOrExchangedAreNamed()
    {
        using TemporaryFolder folder = new();
        for (int part = 1; part <= 3; part++)
            File.Copy(Golden($"parts-0000{part}-of-00003.gguf"), folder[$"a-0000{part}-of-00003.gguf"]);
        File.Copy(Golden("parts-00002-of-00003.gguf"), folder["b.gguf"]);
        Assert.Contains("one of 3 parts must be called NAME-00001-of-00003.gguf, but is called b.gguf",
            Assert.Throws<InvalidDataException>(() => TensorFile.Open(folder["b.gguf"])).Message, StringComparison.Ordinal);
        File.Copy(folder["a-00003-of-00003.gguf"], folder["a-00002-of-00003.gguf"], overwrite: true);
        Assert.Contains("it must be part 1 of 3, but says that it is 2 of 3",
            Assert.Throws<InvalidDataException>(() => TensorFile.Open(folder["a-00001-of-00003.gguf"])).Message, StringComparison.Ordinal);
        File.Delete(folder["a-00002-of-00003.gguf"]);
        Assert.Contains("1 of 3 parts are missing, the first of them a-00002-of-00003.gguf",
            Assert.Throws<FileNotFoundException>(() => TensorFile.Open(folder["a-00001-of-00003.gguf"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1u, 0ul, 0ul, new byte[0], "the version must be 2 or 3, but is 1")]
    [InlineData(0x03000000u, 0ul, 0ul, new byte[0], "the file is in big-endian order")]
    [InlineData(3u, ulong.MaxValue, 0ul, new byte[0], "there must be at most 0 tensors, but byte 8 says 18446744073709551615")]
    [InlineData(3u, 0ul, 1ul << 40, new byte[0], "there must be at most 0 settings")]
    [InlineData(3u, 0ul, 1ul, new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 97, 13, 0, 0, 0 }, "a setting must have a type 0 to 12, but byte 33 says 13")]
    [InlineData(3u, 0ul, 1ul, new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 97, 7, 0, 0, 0, 2 }, "true must be 1 and false 0, but byte 37 is 2")]
    [InlineData(3u, 0ul, 1ul, new byte[] { 0, 0, 0, 0, 0, 0, 0, 1, 97, 7, 0, 0, 0, 2 }, "there must be at most 6 bytes in a text")]
    [InlineData(3u, 0ul, 1ul, new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 255, 7, 0, 0, 0, 1 }, "the text at byte 24 must be UTF-8")]
    [InlineData(3u, 0ul, 1ul, new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 97, 9, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0 },
        "there must be at most 0 items in an array")]
    public void BrokenBeginningsAreRefused(uint version, ulong tensors, ulong values, byte[] rest, string reason)
    {
        byte[] bytes = new byte[24 + rest.Length];
        "GGUF"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), version);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), tensors);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), values);
        rest.CopyTo(bytes, 24);
        Assert.Contains(reason, Refused(bytes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("b", 1u, 0u, 0ul, 4ul, "the tensor 'a' stands twice", "a")]
    [InlineData("b", 1u, 0u, 0ul, 4ul, "begins at 0 of the data, inside the one before it, which ends at 16")]
    [InlineData("b", 1u, 0u, 16ul, 4ul, "must begin in the file at a multiple of 32, but begins at 16")]
    [InlineData("b", 1u, 0u, 1ul << 40, 4ul, "must begin in the file at a multiple of 32, but begins at 1099511627776")]
    [InlineData("b", 1u, 0u, 32ul, 20ul, "truncated: the tensor 'b' of F32 [20] takes 80 bytes from byte 128 on, but the file has 192 bytes")]
    [InlineData("b", 1u, 0u, 32ul, 1ul << 62, "is larger than any file")]
    [InlineData("b", 1u, 0u, 32ul, 1ul << 63, "has an axis that is longer than any file")]
    [InlineData("b", 1u, 99u, 32ul, 4ul, "the tensor 'b' has the unknown type 99")]
    [InlineData("b", 1u, 2u, 32ul, 33ul, "the tensor 'b' of Q4_0 must have rows of whole blocks of 32 elements, but has the shape [33]")]
    [InlineData("b", 5u, 0u, 32ul, 4ul, "must have at most 4 axes, but has 5")]
    public void BrokenTablesAreRefused(string name, uint axes, uint type, ulong offset, ulong size, string reason, string first = "a")
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write(Encoding.ASCII.GetBytes("GGUF"));
        writer.Write(3);
        writer.Write(2L);
        writer.Write(0L);
        foreach ((string one, uint rank, uint kind, ulong at, ulong length) in (IEnumerable<(string, uint, uint, ulong, ulong)>)
            [(first, 1, 0, 0, 4), (reason.Contains("twice", StringComparison.Ordinal) ? first : name, axes, type, offset, size)])
        {
            writer.Write((long)one.Length);
            writer.Write(Encoding.ASCII.GetBytes(one));
            writer.Write(rank);
            writer.Write(length);
            writer.Write(kind);
            writer.Write(at);
        }
        writer.Write(new byte[192 - stream.Length]);
        Assert.Contains(reason, Refused(stream.ToArray()), StringComparison.Ordinal);
    }

    private static string Refused(byte[] bytes)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("x.gguf", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path)).Message;
        Assert.StartsWith(path + ": GGUF: ", message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000, "memory was taken before the size was checked");
        return message;
    }

    private static float[] Read(TensorFile file, string name)
    {
        float[] values = new float[file.Find(name)!.Count];
        file.Read(file.Find(name)!, values);
        return values;
    }
}
