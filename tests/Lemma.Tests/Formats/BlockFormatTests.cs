using System.Runtime.InteropServices;
using System.Text.Json;
using Lemma.Formats;

namespace Lemma.Tests.Formats;

/// <summary>Blocks beside llama.cpp's (bench/golden/gguf_blocks.py).</summary>
public class BlockFormatTests
{
    private static readonly JsonElement Golden =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "gguf", "blocks.json"))).RootElement;

    public static TheoryData<string> Read => [.. Golden.GetProperty("read").EnumerateObject().Select(one => one.Name)];

    public static TheoryData<string> Written => [.. Golden.GetProperty("written").EnumerateObject().Select(one => one.Name)];

    private static byte[] Blocks(string name) => Golden.GetProperty("read").GetProperty(name).GetProperty("blocks").GetBytesFromBase64();

    private static float[] Values(string name) => Floats(Golden.GetProperty("read").GetProperty(name).GetProperty("values"));

    private static float[] Floats(JsonElement text) => MemoryMarshal.Cast<byte, float>(text.GetBytesFromBase64()).ToArray();

    [Theory]
    [MemberData(nameof(Read))]
    public void ValuesAreThoseOfLlamaCppBitForBit(string name)
    {
        float[] values = new float[512];
        BlockFormat.Find(name)!.Dequantize(Blocks(name), values);
        Assert.Equal(Values(name).Select(BitConverter.SingleToUInt32Bits), values.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void EveryFormatHasTheSizesOfItsType()
    {
        for (uint number = 0; number < 64; number++)
        {
            if (GgufType.Find(number) is { } type && BlockFormat.Find(type.Name) is { } format)
                Assert.Equal((type.BlockElements, type.BlockBytes), (format.Elements, format.Bytes));
        }
        Assert.Equal(12, BlockFormat.Names.Split(',').Length);
    }

    [Theory]
    [MemberData(nameof(Read))]
    public void PartsOfATensorThatBeginAndEndInsideOfBlocksAreRead(string name)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("x.gguf", GgufFile.Of(name, [512], Blocks(name)));
        using TensorFile file = TensorFile.Open(path);
        TensorEntry entry = Assert.Single(file.Tensors);
        float[] expected = Values(name);
        foreach ((int first, int count) in ((int, int)[])[(0, 512), (0, 1), (511, 1), (5, 3), (31, 2), (17, 480), (256, 256), (255, 2), (300, 212), (40, 0)])
        {
            float[] part = new float[count];
            file.Read(entry, part, first);
            Assert.Equal(expected.Skip(first).Take(count), part);
        }
        Assert.Contains("has 512 elements, but 2 are asked for from 511 on", Assert.Throws<ArgumentException>(() => file.Read(entry, new float[2], 511)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q4_0")]
    [InlineData("Q5_0")]
    [InlineData("Q5_1")]
    public void PlainBlocksAreThoseOfLlamaCpp(string name) => Assert.Equal(Convert.ToHexString(Theirs(name)), Convert.ToHexString(Quantized(name, Numbers)));

    [Theory]
    [MemberData(nameof(Written))]
    public void BlocksErrAtMostAsThoseOfLlamaCpp(string name)
    {
        (double ours, double theirs) = (Error(name, Quantized(name, Numbers), null), Error(name, Theirs(name), null));
        Assert.True(ours <= theirs, $"squared error {ours:R}, llama.cpp's {theirs:R}");
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void WhatWasWrittenIsWrittenAgainWithASmallerError(string name)
    {
        BlockFormat format = BlockFormat.Find(name)!;
        float[] once = new float[1024], twice = new float[1024];
        format.Dequantize(Quantized(name, Numbers), once);
        format.Dequantize(Quantized(name, once), twice);
        double again = once.Zip(twice, (one, other) => ((double)one - other) * ((double)one - other)).Sum();
        Assert.True(again <= Error(name, Quantized(name, Numbers), null), $"{again:R}");
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q5_0")]
    [InlineData("Q5_1")]
    [InlineData("Q4_K")]
    [InlineData("Q5_K")]
    [InlineData("Q6_K")]
    public void ImportanceMovesTheErrorAway(string name)
    {
        float[] importance = [.. Enumerable.Range(0, 1024).Select(i => i % 8 == 0 ? 100f : 0.1f)];
        Func<int, double> weight = i => importance[i];
        Assert.True(Error(name, Quantized(name, Numbers, importance), weight) < 0.9 * Error(name, Quantized(name, Numbers), weight));
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void ConstantsZerosAndTinyNumbersAreWritten(string name)
    {
        BlockFormat format = BlockFormat.Find(name)!;
        foreach (float number in (float[])[0, 1, -1, 1e-30f, -1e-42f, 1000])
        {
            float[] row = [.. Enumerable.Repeat(number, 256)], read = new float[256];
            byte[] blocks = new byte[256 / format.Elements * format.Bytes];
            format.Quantize(row, blocks, []);
            format.Dequantize(blocks, read);
            Assert.All(read, value => Assert.Equal(number, value, 0.008f * Math.Abs(number) + 1e-7f));
            format.Quantize(row, blocks, new float[256]);
            format.Dequantize(blocks, read);
            Assert.All(read, value => Assert.True(float.IsFinite(value)));
        }
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void WhatCannotBeWrittenIsRefused(string name)
    {
        BlockFormat format = BlockFormat.Find(name)!;
        byte[] blocks = new byte[256 / format.Elements * format.Bytes];
        float[] row = new float[256];
        row[7] = float.NaN;
        Assert.Contains("numbers must be finite, but number 7 of a row is NaN",
            Assert.Throws<ArgumentException>(() => format.Quantize(row, blocks, [])).Message, StringComparison.Ordinal);
        row[7] = 1e30f;
        Assert.Contains("the scale of a block must be a half", Assert.Throws<ArgumentException>(() => format.Quantize(row, blocks, [])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => format.Quantize(new float[255], blocks, []));
        Assert.Throws<ArgumentException>(() => format.Quantize(new float[256], blocks.AsSpan(1), []));
        Assert.Throws<ArgumentException>(() => format.Quantize(new float[256], blocks, new float[1]));
        row[7] = -1;
        Assert.Contains("weight 7 is -1", Assert.Throws<ArgumentException>(() => format.Quantize(new float[256], blocks, row)).Message, StringComparison.Ordinal);
    }

    private static float[] Numbers => Floats(Golden.GetProperty("numbers"));

    private static byte[] Theirs(string name) => Golden.GetProperty("written").GetProperty(name).GetBytesFromBase64();

    private static byte[] Quantized(string name, float[] numbers, float[]? importance = null)
    {
        BlockFormat format = BlockFormat.Find(name)!;
        byte[] blocks = new byte[numbers.Length / format.Elements * format.Bytes];
        format.Quantize(numbers, blocks, importance);
        return blocks;
    }

    private static double Error(string name, byte[] blocks, Func<int, double>? weight)
    {
        float[] numbers = Numbers, read = new float[numbers.Length];
        BlockFormat.Find(name)!.Dequantize(blocks, read);
        double sum = 0;
        for (int i = 0; i < read.Length; i++)
            sum += (weight?.Invoke(i) ?? 1) * ((double)read[i] - numbers[i]) * ((double)read[i] - numbers[i]);
        return sum;
    }
}
