using System.Text;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Evaluation;
using Lemma.Evaluation.Compression;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using Decoder = Lemma.Models.Decoder;

namespace Lemma.Tests.Evaluation;

/// <summary>Compression gives every byte back, costs what the evaluation says, and refuses what is cut, changed or another model's.</summary>
public sealed class CompressionTests : IDisposable
{
    private const string Shakespeare = """
        First Citizen:
        Before we proceed any further, hear me speak.

        All:
        Speak, speak.

        First Citizen:
        You are all resolved rather to die than to famish?

        """;

    private readonly Workers one = new(1), two = new(2);
    private readonly Tokenizer tokenizer = BpeTrainer.Train(new StorySource(1).Range(0, 60).Select(story => story.Text),
        new BpeTrainerOptions { VocabularySize = 320, SpecialTokens = ["<|endoftext|>"] });
    private readonly Decoder decoder;

    public CompressionTests()
    {
        int end = tokenizer.IdOf("<|endoftext|>")!.Value;
        decoder = new(Presets.Llama(tokenizer.VocabularySize, width: 32, layers: 2, heads: 2, hidden: 48, length: 64) with { BeginId = end, EndId = end });
        decoder.Initialize(3);
    }

    public void Dispose()
    {
        decoder.Dispose();
        one.Dispose();
        two.Dispose();
    }

    public static TheoryData<string> Contents => ["stories", "shakespeare", "binary", "mixed", "empty", "one", "unicode", "special"];

    [Theory, MemberData(nameof(Contents))]
    public void EveryByteComesBack(string name)
    {
        byte[] content = Content(name);
        CodingModel model = CodingModel.Of(decoder, tokenizer, one, 40, 24), counting = CodingModel.Of(Counted(), tokenizer);
        CompressedText byModel = TextCompressor.Compress(model, content), byCounts = TextCompressor.Compress(counting, content);
        Assert.Equal(content, TextCompressor.Decompress(model, byModel.Bytes));
        Assert.Equal(content, TextCompressor.Decompress(counting, byCounts.Bytes));
        // Other threads, and a window that is the file's.
        Assert.Equal(byModel.Bytes, TextCompressor.Compress(CodingModel.Of(decoder, tokenizer, two, 40, 24), content).Bytes);
        Assert.Equal(content, TextCompressor.Decompress(CodingModel.Of(decoder, tokenizer, two), byModel.Bytes));
        if (name is "stories" or "shakespeare" or "unicode")
            Assert.Equal(0, byModel.Escaped);
        if (name == "binary")
            Assert.InRange(byModel.Escaped, 2500, 3000);
    }

    [Fact]
    public void PackedMatricesHaveTheSameBits()
    {
        byte[] content = Content("shakespeare");
        byte[] bytes = TextCompressor.Compress(CodingModel.Of(decoder, tokenizer, one), content).Bytes;
        decoder.Parameters.Pack(one);
        CodingModel packed = CodingModel.Of(decoder, tokenizer, two);
        Assert.Equal(bytes, TextCompressor.Compress(packed, content).Bytes);
        Assert.Equal(content, TextCompressor.Decompress(packed, bytes));
    }

    [Fact]
    public void TheCodeCostsWhatTheEvaluationSays()
    {
        string text = Encoding.UTF8.GetString(Content("stories"));
        TextResult evaluated = TextEvaluator.Evaluate(decoder, tokenizer, two, [text], 40, 24), counted = NGramEvaluator.Evaluate(Counted(), tokenizer, [text]);
        CompressedText byModel = TextCompressor.Compress(CodingModel.Of(decoder, tokenizer, two, 40, 24), Encoding.UTF8.GetBytes(text)),
            byCounts = TextCompressor.Compress(CodingModel.Of(Counted(), tokenizer), Encoding.UTF8.GetBytes(text));
        Assert.Equal(evaluated.Tokens, byModel.Tokens);
        Assert.Equal(evaluated.BitsPerByte, 8.0 * byModel.CodeBytes / text.Length, 0.005 * evaluated.BitsPerByte);
        Assert.Equal(counted.BitsPerByte, 8.0 * byCounts.CodeBytes / text.Length, 0.005 * counted.BitsPerByte);
    }

    [Fact]
    public void AModelWithoutABeginningCodesItsFirstTokenToo()
    {
        using Decoder bare = new(Presets.Llama(tokenizer.VocabularySize, width: 16, layers: 1, heads: 2, hidden: 16, length: 16));
        bare.Initialize(1);
        CodingModel model = CodingModel.Of(bare, tokenizer, two);
        byte[] content = Content("shakespeare");
        Assert.Equal(content, TextCompressor.Decompress(model, TextCompressor.Compress(model, content).Bytes));
    }

    [Fact]
    public void WhatATokenizerCannotCarryIsEscaped()
    {
        Tokenizer lower = WordPieceTrainer.Train(["the cat sat on the mat"], new WordPieceTrainerOptions { VocabularySize = 60 });
        CodingModel model = CodingModel.Of(NGramModel.Estimate(NGramCounts.Count([lower.Encode("the cat")], 2, lower.VocabularySize, default), new KneserNeySmoothing()), lower);
        byte[] content = Content("shakespeare");
        CompressedText made = TextCompressor.Compress(model, content);
        Assert.True(made.Escaped > 0);
        Assert.Equal(content, TextCompressor.Decompress(model, made.Bytes));
    }

    [Fact]
    public void WhatIsCutChangedOrAnothersIsRefused()
    {
        CodingModel model = CodingModel.Of(decoder, tokenizer, two, 40, 24);
        byte[] bytes = TextCompressor.Compress(model, Content("shakespeare")).Bytes;
        string Fault(CodingModel by, byte[] file) => Assert.Throws<InvalidDataException>(() => TextCompressor.Decompress(by, file)).Message;
        Assert.Contains("does not begin with 'LEMMAZIP'", Fault(model, [1, 2, 3]), StringComparison.Ordinal);
        Assert.Contains("the file is cut", Fault(model, bytes[..50]), StringComparison.Ordinal);
        Assert.Contains("the file is cut", Fault(model, bytes[..^1]), StringComparison.Ordinal);
        Assert.Contains("the file is cut", Fault(model, [.. bytes, 0]), StringComparison.Ordinal);
        Assert.Contains("another model compressed it", Fault(CodingModel.Of(Counted(), tokenizer), bytes), StringComparison.Ordinal);
        byte[] later = [.. bytes];
        later[8] = 9;
        Assert.Contains("version 9, but 1 is known", Fault(model, later), StringComparison.Ordinal);
        decoder.Parameters.Weights(decoder.Parameters.All[0])[0] += 1e-3f;
        Assert.Contains("another model compressed it", Fault(CodingModel.Of(decoder, tokenizer, two), bytes), StringComparison.Ordinal);
        decoder.Initialize(3);
        for (int i = 0; i < 60; i++)
        {
            byte[] changed = [.. bytes];
            int place = new Philox(4).Below(bytes.Length, (ulong)i);
            changed[place] ^= (byte)(1 << (i % 8));
            // The last byte names a number in a range, and may name another one in it.
            if (place < bytes.Length - 1)
                Fault(model, changed);
        }
    }

    [Fact]
    public void AHeadThatAsksForMoreThanItsCodeHoldsIsRefused()
    {
        CodingModel model = CodingModel.Of(decoder, tokenizer, two, 40, 24), counting = CodingModel.Of(Counted(), tokenizer);
        foreach (CodingModel by in (CodingModel[])[model, counting])
        {
            byte[] bytes = TextCompressor.Compress(by, Content("shakespeare")).Bytes;
            string Fault(int length, int tokens, int code)
            {
                // One segment: its bytes, its tokens, the length of the code, the code.
                byte[] file = [.. bytes[..85], .. BitConverter.GetBytes(length), .. BitConverter.GetBytes(tokens), .. BitConverter.GetBytes(code),
                    .. Enumerable.Range(0, code).Select(i => (byte)new Philox(3).UInt64((ulong)i))];
                long before = GC.GetAllocatedBytesForCurrentThread();
                string message = Assert.Throws<InvalidDataException>(() => TextCompressor.Decompress(by, file)).Message;
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8 << 20, $"{GC.GetAllocatedBytesForCurrentThread() - before}");
                return message;
            }
            Assert.Contains("1073741824 tokens and 0 bytes that are no text cannot be in a code of 20 bytes", Fault(1 << 30, 1 << 30, 20), StringComparison.Ordinal);
            Assert.Contains("0 tokens and 1000000 bytes that are no text cannot be in a code of 200 bytes", Fault(1_000_000, -1, 200), StringComparison.Ordinal);
            Assert.Contains("the code of 200 bytes ends before the content does", Fault(1 << 30, 1 << 30, 200), StringComparison.Ordinal);
        }
        // A content that costs next to nothing is no such file.
        byte[] zeros = new byte[300_000];
        zeros[0] = 0xFF;
        CompressedText made = TextCompressor.Compress(counting, zeros);
        Assert.Equal(zeros, TextCompressor.Decompress(counting, made.Bytes));
    }

    [Fact]
    public void TheCoderKeepsAnySharesAndCarries()
    {
        Philox random = new(8);
        (ulong From, ulong Size, ulong Total)[] symbols = [.. Enumerable.Range(0, 20000).Select(i =>
        {
            ulong total = 2 + random.UInt64((ulong)(3 * i)) % ((1UL << 32) - 3), size = i % 3 == 0 ? 1 : 1 + random.UInt64((ulong)(3 * i + 1)) % total;
            return (i % 5 == 0 ? total - size : random.UInt64((ulong)(3 * i + 2)) % (total - size + 1), size, total);
        })];
        RangeEncoder coder = new();
        foreach ((ulong from, ulong size, ulong total) in symbols)
            coder.Encode(from, size, total);
        byte[] bytes = coder.Finish();
        RangeDecoder reader = new(bytes);
        foreach ((ulong from, ulong size, ulong total) in symbols)
        {
            Assert.InRange(reader.Place(total), from, from + size - 1);
            reader.Decoded(from, size, total);
        }
        double bits = symbols.Sum(symbol => Math.Log2((double)symbol.Total / symbol.Size));
        // The last symbol of a total has what the division leaves, and may cost less.
        Assert.InRange(8.0 * bytes.Length, 0.97 * bits, bits + 24);
    }

    [Fact]
    public void WrongWindowsAreNamed()
    {
        Assert.Contains("1 to 64 tokens, but it has 65", Assert.Throws<ArgumentException>(() => CodingModel.Of(decoder, tokenizer, one, 65)).Message, StringComparison.Ordinal);
        Assert.Contains("the stride must be from 1 to the window's 8, but it is 9",
            Assert.Throws<ArgumentException>(() => CodingModel.Of(decoder, tokenizer, one, 8, 9)).Message, StringComparison.Ordinal);
    }

    private NGramModel Counted() => NGramModel.Estimate(NGramCounts.Count(
        new StorySource(1).Range(0, 60).Select(story => (ReadOnlyMemory<int>)tokenizer.Encode(story.Text, addSpecialTokens: false)), 3, tokenizer.VocabularySize,
        NGramMarks.Same(tokenizer.IdOf("<|endoftext|>"))), new KneserNeySmoothing());

    private static byte[] Content(string name) => name switch
    {
        "stories" => Encoding.UTF8.GetBytes(string.Join("\n", new StorySource(1).Range(1L << 40, 6).Select(story => story.Text))),
        "shakespeare" => Encoding.UTF8.GetBytes(Shakespeare),
        "binary" => [.. Enumerable.Range(0, 3000).Select(i => (byte)new Philox(2).UInt64((ulong)i))],
        "mixed" => [0xFF, 0xFE, .. Encoding.UTF8.GetBytes(Shakespeare), 0xC3, 0, 0x80, .. Encoding.UTF8.GetBytes(Shakespeare)],
        "one" => [0x80],
        "unicode" => Encoding.UTF8.GetBytes("naïve 🎉 日本語\r\n\t\0 é\u0301 ﷺ"),
        "special" => Encoding.UTF8.GetBytes("It ends <|endoftext|> and goes on <|endoftext|>"),
        _ => [],
    };
}
