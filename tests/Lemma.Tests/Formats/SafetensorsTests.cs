using System.Buffers.Binary;
using System.Text;
using Lemma.Formats;
using Lemma.Formulas;

namespace Lemma.Tests.Formats;

public class SafetensorsTests
{
    private const string Good = """
        {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}
        """;

    [Fact]
    public void ReadsEveryNumberTypeExactly()
    {
        string header = """
            {"__metadata__":{"format":"pt"},
            "half":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"brain":{"dtype":"BF16","shape":[1,2],"data_offsets":[14,18]},
            "single":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"scalar":{"dtype":"I64","shape":[],"data_offsets":[18,26]}}
            """;
        byte[] data = new byte[26];
        BinaryPrimitives.WriteSingleLittleEndian(data, 1.5f);
        BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(4), float.NegativeInfinity);
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(8), (Half)0.333251953125f);
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(10), Half.Epsilon);
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(12), Half.MaxValue);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(14), 0x3F80);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(16), 0xC049);
        using SafetensorsFile file = SafetensorsFile.Open(new MemoryStream(Bytes(header, data)), "x");
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([1.5f, float.NegativeInfinity], Read(file, "single"));
        Assert.Equal([0.333251953125f, 5.9604645e-8f, 65504f], Read(file, "half"));
        Assert.Equal([1f, -3.140625f], Read(file, "brain"));
        Assert.Equal(1, file.Find("scalar")!.Count);
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => Read(file, "scalar"));
        Assert.Equal("x: the tensor 'scalar' has dtype I64; F32, F16 and BF16 can be read as numbers", e.Message);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "'a' of shape [3] and dtype F32 does not take the 8 "
        + "bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "truncated: the tensor 'a' ends at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "its tensors end at byte")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "after a hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
        "inside the one before it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[8,0]}}""", 8, "before it begins")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8,
        "the tensor 'a' stands twice")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", 8, "unknown dtype 'Q4'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "whole numbers of at least 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "does not take the 0 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,4]}}""",
        4, "does not take the 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "needs a dtype, a shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", 8, "more than 2 numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "'shape' twice")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "not valid text")]
    [InlineData("""[1]""", 0, "must be a JSON object")]
    [InlineData("""{"a":""", 0, "not JSON at byte")]
    [InlineData("""{} {}""", 0, "not JSON at byte")]
    public void RefusesBrokenHeaders(string header, int dataBytes, string reason)
    {
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(new MemoryStream(Bytes(header,
            new byte[dataBytes])), "weights.safetensors"));
        Assert.StartsWith("weights.safetensors: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "it has 3 bytes")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 1 }, "exceeds 100000000 bytes")]
    [InlineData(new byte[] { 0, 225, 245, 5, 0, 0, 0, 0, 1 }, "truncated: the safetensors header ends at byte 100000008")]
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE }, "not UTF-8")]
    public void RefusesBrokenBeginnings(byte[] bytes, string reason)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(new MemoryStream(bytes), "x"));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000, "memory was taken before the size was checked");
    }

    [Fact]
    public void RefusesTheTruncatedDownload()
    {
        string path = Path.Combine(SharedData.FindOrSkip("data/weights/truncated-minilm"), "model.safetensors");
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith($"{path}: truncated: the tensor '", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("but the file has 851968 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WritesSortedAlignedAndTheSameBytesAgain()
    {
        static byte[] Write()
        {
            MemoryStream stream = new();
            SafetensorsWriter.Write(stream, [new("b", [1], () => new float[] { 3 }), new("a.é", [2, 1], () => new float[] { 1,
                float.NaN })]);
            return stream.ToArray();
        }
        byte[] bytes = Write();
        Assert.Equal(bytes, Write());
        Assert.Equal(0UL, BinaryPrimitives.ReadUInt64LittleEndian(bytes) % 8);
        using SafetensorsFile file = SafetensorsFile.Open(new MemoryStream(bytes), "x");
        Assert.Equal(["a.é", "b"], file.Tensors.Select(t => t.Name));
        Assert.Equal([2L, 1L], file.Tensors[0].Sizes);
        Assert.Equal([1, float.NaN], Read(file, "a.é"));
        Assert.Equal([3], Read(file, "b"));
    }

    [Fact]
    public void WritingRefusesTwoOfANameAndAWrongLength()
    {
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(new MemoryStream(), [new("a", [1], () => new float[1]), new("a",
            [1], () => new float[1])]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(new MemoryStream(), [new("a", [2], () => new float[1])]));
    }

    [Fact]
    public void AnyMutationIsReadOrRefused()
    {
        byte[] good = Bytes(Good, new byte[12]);
        Philox random = new(seed: 7);
        ulong counter = 0;
        int Below(int bound) => random.Below(bound, counter++);
        int refused = 0, read = 0;
        byte[] alphabet = "{}[]\":,0123456789-eE.\\u truefalsn F32B16dtypeshapdata_offsets"u8.ToArray();
        for (int trial = 0; trial < 8000; trial++)
        {
            List<byte> bytes = [.. good];
            for (int edit = Below(3); edit >= 0 && bytes.Count > 0; edit--)
            {
                int at = Below(2) == 0 ? Below(bytes.Count) : Math.Min(8 + Below(good.Length - 20), bytes.Count - 1);
                byte value = Below(3) == 0 ? (byte)Below(256) : alphabet[Below(alphabet.Length)];
                switch (Below(5))
                {
                    case 0: bytes.RemoveRange(at, Math.Min(1 + Below(8), bytes.Count - at)); break;
                    case 1: bytes.Insert(at, value); break;
                    case 2: bytes.RemoveRange(at, bytes.Count - at); break;
                    case 3: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(1 + Below(60), bytes.Count - at))); break;
                    default: bytes[at] = value; break;
                }
            }
            // Half of the time the length is repaired, so that the edits reach the parser.
            if (bytes.Count >= 20 && Below(2) == 0)
                BinaryPrimitives.WriteUInt64LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes),
                    (ulong)(bytes.Count - 20));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(new MemoryStream([.. bytes]), "x");
                foreach (SafetensorsEntry entry in file.Tensors.Where(e => e.Type is "F32" or "F16" or "BF16"))
                    file.Read(entry, new float[entry.Count]);
                read++;
            }
            catch (InvalidDataException)
            {
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000, $"trial {trial} took too much memory");
        }
        Assert.True(read > 50 && refused > 3000, $"{read} read, {refused} refused");
    }

    private static float[] Read(SafetensorsFile file, string name)
    {
        SafetensorsEntry entry = file.Find(name)!;
        float[] values = new float[entry.Count];
        file.Read(entry, values);
        return values;
    }

    private static byte[] Bytes(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), bytes = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)json.Length);
        json.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + json.Length);
        return bytes;
    }
}
