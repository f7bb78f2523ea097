using System.Text;
using Lemma.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;

namespace Lemma.Tests.Text;

/// <summary>A stream behind a prompt gives what is new: the bytes of the prompt stay the prompt's, whatever comes behind them.</summary>
public sealed class StreamingDecoderTests
{
    private const int Word = 256, Special = 257;
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 256).Select(static value => ByteFallbackDecoder.PieceOf((byte)value)), "\u2581a"];

    private static readonly Tokenizer Llama = Of(new SequenceDecoder([new ReplaceDecoder("\u2581", " "), new ByteFallbackDecoder(), new FuseDecoder(),
        new StripDecoder(' ', 1, 0)]));

    private static readonly Tokenizer Bare = Of(new SequenceDecoder([new ByteFallbackDecoder(), new FuseDecoder()]));

    [Theory]
    [InlineData("\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\n", "FF 80", "\ufffd\ufffd")]
    [InlineData("\n", "FF", "\ufffd")]
    [InlineData("\n", "E6 97 A5", "\u65e5")]
    [InlineData("", "FF", "\ufffd")]
    public void AWrongByteBehindThePromptLeavesThePromptsBytesAlone(string prompt, string bytes, string told)
    {
        int[] before = [.. Encoding.UTF8.GetBytes(prompt).Select(static value => (int)value)];
        int[] after = Bytes(bytes);
        Assert.Equal(told, Told(Llama, before, after));
        Assert.Equal(told, Told(Llama, [Word, .. before], after));
        Assert.Equal(told + " a", Told(Llama, [Word, .. before, Special], [.. after, Word]));
    }

    [Theory]
    [InlineData("E2 82", "AC", "\u20ac")]
    [InlineData("E2 82", "AC FF", "\ufffd\ufffd")]
    [InlineData("E2 82", "FF", "\ufffd")]
    [InlineData("E2 82", "", "")]
    [InlineData("F0", "9F 98 80", "\U0001F600")]
    [InlineData("FF E2 82", "AC", "\u20ac")]
    [InlineData("E2 82 AC E2 82", "AC", "\u20ac")]
    [InlineData("E2 82 AC E2 82", "AC FF", "\ufffd\ufffd")]
    [InlineData("E2 82 AC", "82", "\ufffd")]
    [InlineData("82 82 82 82", "41", "A")]
    public void ACharacterBegunInThePromptIsWholeInTheStream(string prompt, string bytes, string told)
    {
        Assert.Equal(told, Told(Llama, Bytes(prompt), Bytes(bytes)));
        Assert.Equal(told + " a", Told(Llama, [Word, .. Bytes(prompt)], [.. Bytes(bytes), Word]));
    }

    [Fact]
    public void TheStreamIsTheTextOfWhatIsNewAndOfTheCharacterBegun()
    {
        Random random = new(5);
        byte[] text = Encoding.UTF8.GetBytes("a\u00e9\u20ac\U0001F600");
        for (int round = 0; round < 20000; round++)
        {
            List<int> all = [];
            while (all.Count < 12)
                if (random.Next(4) == 0)
                    all.Add(random.Next(258));
                else
                    all.AddRange(text.Select(static value => (int)value));
            int cut = random.Next(all.Count);
            int[] prompt = [.. all.Take(cut)], added = [.. all.Skip(cut)];
            // The shortest end of the prompt that UTF-8 could go on with.
            int[] written = [.. prompt.Where(static id => id != Special)];
            int begun = Enumerable.Range(1, 3).FirstOrDefault(count => count <= written.Length && written[^count..].All(static id => id < 256)
                && Rune.DecodeFromUtf8([.. written[^count..].Select(static id => (byte)id)], out _, out _) == System.Buffers.OperationStatus.NeedMoreData);
            string expected = Bare.Decode([.. written[^begun..], .. added]), wrong = new('\ufffd', begun);
            if (expected.StartsWith(wrong, StringComparison.Ordinal))
                expected = expected[begun..];
            Assert.Equal(expected, Told(Bare, prompt, added));
            Assert.Equal(Bare.Decode([.. all]), Told(Bare, [], [.. all]));
        }
    }

    private static string Told(Tokenizer tokenizer, int[] prompt, int[] added)
    {
        StreamingDecoder stream = new(tokenizer, prompt: prompt);
        return string.Concat(added.Select(stream.Append)) + stream.Finish();
    }

    private static int[] Bytes(string hexadecimal) =>
        [.. Convert.FromHexString(hexadecimal.Replace(" ", "", StringComparison.Ordinal)).Select(static value => (int)value)];

    private static Tokenizer Of(PieceDecoder decoder) =>
        new(new WordModel(new Vocabulary([.. Pieces, "<s>"]), "<0x00>"), [new AddedToken(Special, "<s>")], decoder: decoder);
}
