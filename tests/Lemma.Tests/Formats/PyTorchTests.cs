using System.Buffers.Binary;
using System.Text;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

/// <summary>Files that PyTorch wrote (bench/golden/pytorch_files.py), and hostile ones.</summary>
public class PyTorchTests
{
    private const string Tensor = "ctorch._utils\n_rebuild_tensor_v2\n((X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\u0006tQ";
    private const string TensorEnd = "\u0089ccollections\nOrderedDict\n)RtR.";

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", name);

    [Theory]
    [InlineData("archive.bin")]
    [InlineData("protocol4.bin")]
    [InlineData("old.bin")]
    public void EveryKindOfTensorIsRead(string name)
    {
        using TensorFile file = TensorFile.Open(Golden(name));
        Assert.Equal(["single F32 [2, 3]", "half F16 [5]", "brain BF16 [5]", "whole I64 [4]", "scalar F32 []", "empty F32 [0, 3]",
            "transposed F32 [3, 4]", "part F32 [4]", "column F32 [3]", "spread F32 [3]", "tied F32 [2, 3]"], file.Tensors.Select(entry => entry.ToString()));
        foreach (TensorEntry entry in file.Tensors.Where(entry => entry.Type != "I64"))
        {
            string named = entry.Name == "tied" ? "single" : entry.Name;
            float[] expected = [.. Enumerable.Range(0, (int)entry.Count).Select(i => (named == "spread" ? 0 : i) + 0.5f * named.Length)];
            Assert.Equal(expected, Read(file, entry.Name));
            for (int first = 0; first < entry.Count; first++)
            {
                float[] one = new float[1];
                file.Read(entry, one, first);
                Assert.Equal(expected[first], one[0]);
            }
        }
        Assert.Contains("dtype I64; F32, F16, BF16, Q8_0", Assert.Throws<InvalidDataException>(() => Read(file, "whole")).Message,
            StringComparison.Ordinal);
        Assert.True(file.AreEqual(file.Find("single")!, file.Find("tied")!));
        Assert.True(file.AreEqual(file.Find("column")!, file.Find("column")!));
        Assert.False(file.AreEqual(file.Find("column")!, file.Find("spread")!));
    }

    [Theory]
    [InlineData("archive-nested.pt")]
    [InlineData("old-nested.pt")]
    public void NamesSayWhereTensorsStand(string name)
    {
        using TensorFile file = TensorFile.Open(Golden(name));
        Assert.Equal(["model.weight", "model.bias", "parameters.0"], file.Tensors.Select(entry => entry.Name));
        Assert.Equal([3, 4, 5, 6], Read(file, "parameters.0"));
        Assert.Equal([2, 3], Read(file, "model.bias"));
    }

    [Fact]
    public void ATensorAloneHasAName()
    {
        using TensorFile file = TensorFile.Open(Golden("alone.pt"));
        Assert.Equal([3, 4, 5], Read(file, "tensor"));
    }

    [Fact]
    public void AModuleIsAProgramAndRefused()
    {
        string message = Assert.Throws<InvalidDataException>(() => TensorFile.Open(Golden("module.pt"))).Message;
        Assert.Equal($"{Golden("module.pt")}: PyTorch: data.pkl, byte 2: 'torch.nn.modules.linear.Linear' is no part of a tensor and is not run", message);
    }

    [Theory]
    [InlineData("cos\nsystem\n(X\u0002\0\0\0lstR.", "byte 2: 'os.system' is no part of a tensor and is not run")]
    [InlineData("cbuiltins\neval\n(X\u0002\0\0\01+tR.", "byte 2: 'builtins.eval' is no part of a tensor and is not run")]
    [InlineData("c__builtin__\ngetattr\n.", "byte 2: '__builtin__.getattr' is no part")]
    [InlineData("X\u0002\0\0\0osX\u0006\0\0\0system\u0093.", "byte 20: 'os.system' is no part")]
    [InlineData("X\u0002\0\0\0os)R.", "byte 10: REDUCE calls what is not a part of tensors")]
    [InlineData("ctorch\nFloatStorage\n)R.", "REDUCE calls what is not a part of tensors")]
    [InlineData("ctorch._utils\n_rebuild_parameter\n)R.", "Parameter is called with other values than PyTorch gives it")]
    [InlineData("(ios\nsystem\n.", "byte 3: the opcode 0x69 is none that tensors need")]
    [InlineData("\u0082\u0001.", "the opcode 0x82 is none")]
    [InlineData("}}X\u0001\0\0\0aNsb.", "BUILD sets the state of an object")]
    [InlineData("]q\0h\0a.", "'0' stands in itself")]
    [InlineData("]r\u00ff\u00ff\u00ff\u00ff.", "a place in the memo must be below")]
    [InlineData("h\u0007.", "place 7 of the memo is empty")]
    [InlineData("}(X\u0001\0\0\0aNX\u0001\0\0\0aNu.", "but 'a' is not or does not")]
    [InlineData("}(NNu.", "a key must be a text or a whole number")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ffa.", "a text must have at most")]
    [InlineData("X\u0009\0\0\0a.", "it needs 9 bytes, but 2 are left")]
    [InlineData("\u008a\u00ff.", "a number must have at most 16 bytes")]
    [InlineData("(NNt", "it needs 1 bytes, but 0 are left")]
    [InlineData("0.", "a value is needed, but there is none")]
    [InlineData("N(0.", "a value is needed, but there is none")]
    [InlineData("t.", "a mark is needed")]
    [InlineData("NN.", "one value must be left at the end, but 2 are")]
    [InlineData("NQ.", "a persistent id must be a storage's")]
    [InlineData(Tensor + "K\u0001K\u0006\u0085K\u0001\u0085" + TensorEnd,
        "of shape [6], strides [1] and offset 1 does not lie within the 6 elements of the storage '0'")]
    [InlineData(Tensor + "K\0K\u0002K\u0003\u0086K\u0004K\u0001\u0086" + TensorEnd, "of shape [2, 3], strides [4, 1] and offset 0 does not lie within")]
    [InlineData(Tensor + "J\u00ff\u00ff\u00ff\u00ffK\u0001\u0085K\u0001\u0085" + TensorEnd, "and offset -1 does not lie within")]
    [InlineData(Tensor + "K\0J\u00ff\u00ff\u00ff\u00ff\u0085K\u0001\u0085" + TensorEnd,
        "sizes and strides must be whole numbers of at least 0, but one is '-1'")]
    [InlineData(Tensor + "K\0\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f\u0085K\0\u0085" + TensorEnd, "does not lie within")]
    [InlineData(Tensor + "K\0K\u0006\u0085)" + TensorEnd, "as many strides as axes")]
    public void WhatIsNoTensorIsRefusedByName(string pickle, string reason)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("x.bin", Archive([2, .. Encoding.Latin1.GetBytes(pickle)], new byte[24]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path)).Message;
        Assert.StartsWith(path + ": PyTorch: ", message, StringComparison.Ordinal);
        Assert.True(message.Contains(reason, StringComparison.Ordinal), message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000, "memory was taken before the size was checked");
    }

    [Fact]
    public void AGoodPickleOfTheSameFormIsRead()
    {
        using TemporaryFolder folder = new();
        byte[] data = new byte[24];
        BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(20), 7);
        string path = folder.Write("x.bin", Archive(Encoding.Latin1.GetBytes("\u0002" + Tensor + "K\u0001K\u0005\u0085K\u0001\u0085" + TensorEnd), data));
        using TensorFile file = TensorFile.Open(path);
        Assert.Equal([0, 0, 0, 0, 7], Read(file, "tensor"));
    }

    // As archives beyond 4 GB have it: the sizes and places that do not fit into 32 bits stand elsewhere.
    [Fact]
    public void AnArchiveOf64BitsIsRead()
    {
        using TemporaryFolder folder = new();
        byte[] small = Archive(Encoding.Latin1.GetBytes("\u0002" + Tensor + "K\0K\u0006\u0085K\u0001\u0085" + TensorEnd), new byte[24]);
        int end = small.Length - 22, directory = BinaryPrimitives.ReadInt32LittleEndian(small.AsSpan(end + 16));
        List<byte> large = [.. small[..directory]];
        for (int at = directory; at < end;)
        {
            Span<byte> entry = small.AsSpan(at);
            int name = BinaryPrimitives.ReadUInt16LittleEndian(entry[28..]);
            byte[] extra = [1, 0, 24, 0, .. Wide(entry[24..]), .. Wide(entry[20..]), .. Wide(entry[42..])];
            large.AddRange([.. entry[..20], 255, 255, 255, 255, 255, 255, 255, 255, .. entry[28..30], (byte)extra.Length, 0, .. entry[32..42],
                255, 255, 255, 255, .. entry.Slice(46, name), .. extra]);
            at += 46 + name + BinaryPrimitives.ReadUInt16LittleEndian(entry[30..]);
        }
        byte[] place = BitConverter.GetBytes((long)large.Count), bytes = BitConverter.GetBytes((long)large.Count - directory);
        large.AddRange([.. "PK\u0006\u0006"u8, 44, 0, 0, 0, 0, 0, 0, 0, 45, 0, 45, 0, .. new byte[8], 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, .. bytes,
            .. BitConverter.GetBytes((long)directory), .. "PK\u0006\u0007"u8, 0, 0, 0, 0, .. place, 1, 0, 0, 0,
            .. "PK\u0005\u0006"u8, 0, 0, 0, 0, .. Enumerable.Repeat((byte)255, 12), 0, 0]);
        using TensorFile file = TensorFile.Open(folder.Write("x.bin", [.. large]));
        Assert.Equal(new float[6], Read(file, "tensor"));

        static byte[] Wide(ReadOnlySpan<byte> number) => BitConverter.GetBytes((long)BinaryPrimitives.ReadUInt32LittleEndian(number));
    }

    [Fact]
    public void ListsInListsDoNotExplode()
    {
        using TemporaryFolder folder = new();
        StringBuilder pickle = new("\u0002]q\0");
        for (int i = 0; i < 40; i++)
            pickle.Append(']').Append('q').Append((char)(i + 1)).Append(string.Concat(Enumerable.Repeat("h" + (char)i + "a", 8)));
        string path = folder.Write("x.bin", Archive(Encoding.Latin1.GetBytes(pickle + "h(."), []));
        Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
        string deep = folder.Write("y.bin", Archive(Encoding.Latin1.GetBytes("\u0002]" + string.Concat(Enumerable.Repeat("\u0085", 100_000)) + "."), []));
        Assert.Contains("in more than 64 others", Assert.Throws<InvalidDataException>(() => TensorFile.Open(deep)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BrokenArchivesAreRefused()
    {
        using TemporaryFolder folder = new();
        byte[] good = File.ReadAllBytes(Golden("archive.bin"));
        Assert.Contains("has no end of an archive", Refused(good[..^40]), StringComparison.Ordinal);
        foreach ((string from, string to, string reason) in (IEnumerable<(string, string, string)>)[
            ("little", "reduce", "the byte order must be little"),
            ("data/0", "data/x", "the storage '0' is missing"),
            ("data.pkl", "data.txt", "must have one NAME/data.pkl, but has 0")])
            Assert.Contains(reason, Refused(Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(good).Replace(from, to))), StringComparison.Ordinal);
        byte[] old = File.ReadAllBytes(Golden("old.bin"));
        Assert.Contains("truncated: the storage", Refused(old[..^10]), StringComparison.Ordinal);

        string Refused(byte[] bytes)
        {
            string path = folder.Write("x.bin", bytes);
            return Assert.Throws<InvalidDataException>(() => TensorFile.Open(path)).Message;
        }
    }

    private static float[] Read(TensorFile file, string name)
    {
        float[] values = new float[file.Find(name)!.Count];
        file.Read(file.Find(name)!, values);
        return values;
    }

    /// <summary>An archive of a pickle and one storage; the protocol's opcode is put before the pickle.</summary>
    internal static byte[] Archive(byte[] pickle, byte[] storage)
    {
        using MemoryStream stream = new();
        using (System.IO.Compression.ZipArchive zip = new(stream, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("x/data.pkl", [0x80, .. pickle]);
            Add("x/data/0", storage);
            void Add(string name, byte[] bytes)
            {
                using Stream entry = zip.CreateEntry(name, System.IO.Compression.CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }
}
