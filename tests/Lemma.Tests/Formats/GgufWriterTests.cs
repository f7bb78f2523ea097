using Lemma.Compute;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

/// <summary>What is written is read back: values of every type, tensors of every type, and the same bytes for any number of threads.</summary>
public sealed class GgufWriterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EveryValueIsReadBack()
    {
        KeyValuePair<string, object>[] values = [new("general.architecture", "x"), new("a", (byte)1), new("b", (sbyte)-1), new("c", (ushort)2), new("d", (short)-2),
            new("e", 3u), new("f", -3), new("g", 1.5f), new("h", true), new("i", "text é"), new("j", 4ul), new("k", -4L), new("l", 1e300), new("m", new[] { "p", "" }),
            new("n", new[] { 1.5f, -2 }), new("o", new[] { 1, -1 }), new("p", new byte[] { 1, 2 }), new("q", new[] { true, false }), new("r", Array.Empty<int>()),
            new("s", new[] { 5u }), new("t", new[] { 5L }), new("u", new[] { 0.5 })];
        GgufWriter.Write(folder["x.gguf"], values, [Tensor("t", [2, 3], "F32")]);
        using TensorFile file = TensorFile.Open(folder["x.gguf"]);
        Assert.Equal(values.Select(value => value.Key), file.Metadata.Keys);
        foreach ((string name, object value) in values)
            Assert.Equal(value, file.Metadata[name]);
        Assert.False(File.Exists(folder["x.gguf.partial"]));
    }

    [Fact]
    public void EveryTypeIsReadBackWithTheErrorThatWasTold()
    {
        GgufTensor[] tensors = [.. GgufWriter.Types.Split(", ").Select((type, i) => Tensor($"t{i}", i % 2 == 0 ? [3, 512] : [2, 3, 256], type))];
        IReadOnlyList<GgufRounding> rounding = GgufWriter.Write(folder["x.gguf"], [], tensors);
        using TensorFile file = TensorFile.Open(folder["x.gguf"]);
        for (int i = 0; i < tensors.Length; i++)
        {
            TensorEntry entry = file.Tensors[i];
            Assert.Equal((tensors[i].Name, tensors[i].Type), (entry.Name, entry.Type));
            Assert.Equal(tensors[i].Sizes.Select(size => (long)size), entry.Sizes);
            float[] read = new float[entry.Count];
            file.Read(entry, read);
            double error = read.Zip(tensors[i].Source().ToArray(), (one, other) => ((double)one - other) * ((double)one - other)).Sum();
            Assert.Equal(error, rounding[i].SquaredError, 1e-9 * error + 1e-30);
            Assert.Equal(entry.Type is "F32" ? 0 : 1, Math.Sign(error));
            Assert.True(Math.Sqrt(error / rounding[i].SquaredSize) < 0.12, $"{entry.Type}: {Math.Sqrt(error / rounding[i].SquaredSize)}");
        }
    }

    [Fact]
    public void TheBytesDoNotDependOnThreadsAndTheErrorsNeither()
    {
        // Several groups of parts.
        GgufTensor[] tensors = [Tensor("a", [5000, 512], "Q4_K"), Tensor("b", [300, 256], "Q6_K"), Tensor("c", [1, 32], "Q8_0")];
        IReadOnlyList<GgufRounding> alone = GgufWriter.Write(folder["1.gguf"], [], tensors);
        foreach (int threads in (int[])[1, 2, 3])
        {
            using Workers workers = new(threads);
            long last = 0;
            IReadOnlyList<GgufRounding> together = GgufWriter.Write(folder["n.gguf"], [], tensors, new GgufOptions
            {
                Run = (count, part) => workers.Run(count, part, static (in part, i) => part(i)),
                Progress = (written, total) => last = written == total ? total : -1,
            });
            Assert.Equal(alone, together);
            Assert.True(File.ReadAllBytes(folder["1.gguf"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["n.gguf"])));
            Assert.Equal(5000L * 2 * 144 + 300 * 210 + 34, last);
        }
    }

    [Fact]
    public void ImportanceOfEachMatrixIsUsed()
    {
        float[] importance = [.. Enumerable.Range(0, 512).Select(i => (i < 256) == (i % 2 == 0) ? 100f : 0.01f)];
        GgufTensor plain = Tensor("a", [2, 4, 256], "Q4_K"), weighted = plain with { Importance = importance };
        double Error(GgufTensor tensor)
        {
            GgufWriter.Write(folder["x.gguf"], [], [tensor]);
            using TensorFile file = TensorFile.Open(folder["x.gguf"]);
            float[] read = new float[2048], given = tensor.Source().ToArray();
            file.Read(file.Tensors[0], read);
            return Enumerable.Range(0, 2048).Sum(i => importance[i / 1024 * 256 + i % 256] * ((double)read[i] - given[i]) * ((double)read[i] - given[i]));
        }
        Assert.True(Error(weighted) < 0.95 * Error(plain), $"{Error(weighted)} beside {Error(plain)}");
    }

    [Fact]
    public void WhatCannotBeWrittenIsRefusedAndTheOldFileStays()
    {
        string path = folder.Write("x.gguf", [1, 2, 3]);
        void Refuses(string reason, GgufTensor tensor, params KeyValuePair<string, object>[] values)
        {
            Assert.Contains(reason, Assert.ThrowsAny<ArgumentException>(() => GgufWriter.Write(path, values, [tensor])).Message, StringComparison.Ordinal);
            Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
            Assert.False(File.Exists(path + ".partial"));
        }
        Refuses("tensors are written as F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, not as 'Q2_K'", Tensor("a", [1, 256], "Q2_K"));
        Refuses("rows of Q4_K hold whole blocks of 256, but those of 'a' have 32 elements", Tensor("a", [8, 32], "Q4_K"));
        Refuses("must have 1 to 4 axes of at least 1, but they are []", Tensor("a", [], "F32"));
        Refuses("the value 'b' stands twice", Tensor("a", [1], "F32"), new("b", 1), new("b", 2));
        Refuses("the value 'b' must be a number, a truth value, a text or an array of these, but is a Object", Tensor("a", [1], "F32"), new KeyValuePair<string, object>("b", new object()));
        Refuses("'a' was declared with 4 elements, but has 3", new GgufTensor("a", [4], () => new float[3], "F32"));
        Refuses("numbers must be finite", new GgufTensor("a", [32], () => Enumerable.Repeat(float.NaN, 32).ToArray(), "Q8_0"));
    }

    private static GgufTensor Tensor(string name, int[] sizes, string type)
    {
        int count = sizes.Aggregate(1, (product, size) => product * size);
        // A fixed sequence with the spread of weights.
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
            numbers[i] = 0.02f * MathF.Sin(i * 12.9898f) * (1 + i % 7);
        return new GgufTensor(name, sizes, () => numbers, type);
    }
}
