using System.Buffers.Binary;
using System.Text;
using Lemma.Formats;

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
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(folder.Write("x", Bytes(header, data)));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([1.5f, float.NegativeInfinity], Read(file, "single"));
        Assert.Equal([0.333251953125f, 5.9604645e-8f, 65504f], Read(file, "half"));
        Assert.Equal([1f, -3.140625f], Read(file, "brain"));
        Assert.Equal(1, file.Find("scalar")!.Count);
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => Read(file, "scalar"));
        Assert.StartsWith(folder["x"] + ": the tensor 'scalar' has dtype I64; F32, F16, BF16, Q8_0", e.Message, StringComparison.Ordinal);
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
        using TemporaryFolder folder = new();
        string path = folder.Write("weights.safetensors", Bytes(header, new byte[dataBytes]));
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
        Assert.StartsWith(path + ": ", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "it has 3 bytes")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 1 }, "exceeds 100000000 bytes")]
    [InlineData(new byte[] { 0, 225, 245, 5, 0, 0, 0, 0, 1 }, "truncated: the safetensors header ends at byte 100000008")]
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE }, "not UTF-8")]
    public void RefusesBrokenBeginnings(byte[] bytes, string reason)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("x", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000, "memory was taken before the size was checked");
    }

    [Fact]
    public void RefusesTheTruncatedDownload()
    {
        string path = Path.Combine(SharedData.FindOrSkip("data/weights/truncated-minilm"), "model.safetensors");
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
        Assert.StartsWith($"{path}: truncated: the tensor '", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("but the file has 851968 bytes", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data/weights/tiny-gpt2-hf")]
    [InlineData("data/weights/stories260K/derived-hf")]
    [InlineData("data/weights/lora-adapter-gpt2/adapter_model.safetensors")]
    public void RealFilesAreRead(string path)
    {
        using TensorFile file = TensorFile.Open(SharedData.FindOrSkip(path));
        Assert.NotEmpty(file.Tensors);
        foreach (TensorEntry entry in file.Tensors.Where(entry => entry.Type is "F32" or "F16" or "BF16"))
            Assert.All(Read(file, entry.Name), value => Assert.True(float.IsFinite(value)));
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
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(folder.Write("x", bytes));
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
    public void HalvesAreReadAndWrittenToTheNearestEven()
    {
        using TemporaryFolder folder = new();
        float[] every = [.. Enumerable.Range(0, 1 << 16).Select(bits => (float)BitConverter.UInt16BitsToHalf((ushort)bits))];
        float[] odd = [1f + 1f / 256, 1f + 3f / 256, -1f - 1f / 256, float.MaxValue, float.Epsilon, float.NegativeInfinity, 0.1f];
        SafetensorsWriter.Write(folder["x"], [new("half", [1 << 16], () => every, FloatType.F16), new("brain", [7], () => odd, FloatType.BF16)],
            new SafetensorsOptions { Metadata = new Dictionary<string, string> { ["made by"] = "Lemma" } });
        using TensorFile file = TensorFile.Open(folder["x"]);
        Assert.Equal("Lemma", file.Metadata["made by"]);
        Assert.Equal(2 * (1 << 16), file.Find("half")!.Bytes);
        float[] half = Read(file, "half");
        for (int i = 0; i < every.Length; i++)
            Assert.True(float.IsNaN(every[i]) ? float.IsNaN(half[i])
                : BitConverter.SingleToInt32Bits(every[i]) == BitConverter.SingleToInt32Bits(half[i]), $"{i}: {every[i]} became {half[i]}");
        Assert.Equal([1f, 1f + 2f / 128, -1f, float.PositiveInfinity, 0f, float.NegativeInfinity, 0.100097656f], Read(file, "brain"));
    }

    [Fact]
    public void ANotANumberStaysOneInSixteenBits()
    {
        using TemporaryFolder folder = new();
        float[] values = [float.NaN, BitConverter.UInt32BitsToSingle(0x7F800001), BitConverter.UInt32BitsToSingle(0xFFFFFFFF)];
        SafetensorsWriter.Write(folder["x"], [new("half", [3], () => values, FloatType.F16), new("brain", [3], () => values, FloatType.BF16)]);
        using TensorFile file = TensorFile.Open(folder["x"]);
        Assert.All(Read(file, "half").Concat(Read(file, "brain")), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void PartsAreReadByThreadsAtOnce()
    {
        using TemporaryFolder folder = new();
        float[] values = [.. Enumerable.Range(0, 5000).Select(i => (float)i)];
        SafetensorsWriter.Write(folder["x"], [new("a", [50, 100], () => values)]);
        using TensorFile file = TensorFile.Open(folder["x"]);
        TensorEntry entry = file.Find("a")!;
        float[] read = new float[5000];
        Parallel.For(0, 50, row => file.Read(entry, read.AsSpan(row * 100, 100), row * 100));
        Assert.Equal(values, read);
        Assert.Throws<ArgumentException>(() => file.Read(entry, new float[100], 4950));
        Assert.Throws<ArgumentException>(() => file.Read(entry, new float[100], -1));
        Assert.Throws<ArgumentException>(() => file.Read(entry, new float[100]));
        using TensorFile other = TensorFile.Open(folder["x"]);
        Assert.Throws<ArgumentException>(() => other.Read(entry, read));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read(entry, read));
    }

    [Fact]
    public void AFileThatBecameShorterIsAnErrorAndNoCrash()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "another program cuts the file, by a command of Linux");
        using TemporaryFolder folder = new();
        SafetensorsWriter.Write(folder["x"], [new("a", [50000], () => new float[50000])]);
        using TensorFile file = TensorFile.Open(folder["x"]);
        using (System.Diagnostics.Process cut = System.Diagnostics.Process.Start("truncate", ["-s", "200", folder["x"]]))
            cut.WaitForExit();
        Assert.Contains("truncated while it was read",
            Assert.Throws<InvalidDataException>(() => Read(file, "a")).Message, StringComparison.Ordinal);
    }

    private static float[] Read(TensorFile file, string name)
    {
        TensorEntry entry = file.Find(name)!;
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
