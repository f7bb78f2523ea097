using System.Text;
using Lemma.Text;

namespace Lemma.Tests.Text;

/// <summary>RWKV's vocabularies; bench/tokenizers/make_cases.py holds large ones to the rules in Python.</summary>
public sealed class RwkvFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("aab", "300 'aab' 3", "300")]
    [InlineData("aab", "300 'aa' 2|301 'ab' 2", "300 99")] // the longest first, although another cut is possible
    [InlineData("abac", "300 'abad' 4|301 'ab' 2", "301 98 100")]
    [InlineData("é", "300 'é' 2", "300")]
    [InlineData("é", @"300 '\xe9' 2", "300")]
    [InlineData("é", @"300 b'\xc3\xa9' 2", "300")]
    [InlineData("éa", @"300 b'\xa9a' 2", "196 300")] // pieces end inside of characters
    [InlineData("猫😀", @"300 '\u732b' 3|301 ""\U0001F600"" 4", "300 301")]
    [InlineData("it's", @"300 ""it's"" 4", "300")]
    [InlineData("it's", @"300 'it\'s' 4", "300")]
    [InlineData("\"\\\n\t", @"300 '""\\\n\t' 4", "300")]
    [InlineData("\a\b\f\v\0", @"300 b'\a\b\f\v\0' 5", "300")]
    [InlineData("A8", @"300 '\1018' 2", "300")]
    [InlineData("a b", "300 ' b' 2", "98 300")]
    public void The_longest_piece_is_taken_at_each_place(string text, string lines, string ids)
    {
        Tokenizer tokenizer = Load(lines.Split('|'));
        int[] encoded = tokenizer.Encode(text);
        Assert.Equal(ids, string.Join(' ', encoded));
        Assert.Equal(text, tokenizer.Decode(encoded));
        Assert.Equal("", tokenizer.Decode([0]));
    }

    [Fact]
    public void Offsets_are_those_of_characters() => Assert.Equal([(0, 1), (0, 2), (2, 4)],
        Load(@"300 b'\xa9a' 2", "301 '😀' 4").EncodeDetailed("éa😀").Offsets.Select(static range => (range.Start, range.End)));

    [Theory]
    [InlineData("300 'a b", "line 257 must be an id, a literal and its 1 to 4096 bytes, but is '300 'a b'")]
    [InlineData("'ab' 2", "line 257 must be an id, a literal and its 1 to 4096 bytes, but is ''ab' 2'")]
    [InlineData("300 '' 0", "line 257 must be an id, a literal and its 1 to 4096 bytes, but is '300 '' 0'")]
    [InlineData("300 'ab' 3", "line 257 must have a literal of 3 bytes, but it has 2")]
    [InlineData("300 ab 2", "line 257 must have a literal of Python's strings or bytes, but has not")]
    [InlineData("300 'a'b' 3", "line 257 must have a literal")]
    [InlineData(@"300 'ab\' 2", "line 257 must have a literal")]
    [InlineData(@"300 '\ud800' 3", "line 257 must have a literal")]
    [InlineData(@"300 '\U00110000' 4", "line 257 must have a literal")]
    [InlineData(@"300 '\x4' 1", "line 257 must have a literal")]
    [InlineData(@"300 b'\u0041' 1", "line 257 must have a literal")]
    [InlineData("300 b'é' 2", "line 257 must have a literal")]
    [InlineData(@"300 b'\400' 1", "line 257 must have a literal")]
    [InlineData("300 'a' 1", "vocabulary: the piece 'a' occurs twice, with the ids 98 and 300")]
    [InlineData("1 'ab' 2", "vocabulary: the id 1 occurs twice")]
    [InlineData("900000000 'ab' 2", "vocabulary: the id of 'ab' must be in 0 to ")]
    public void A_broken_line_is_told(string line, string message)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Load(line));
        Assert.StartsWith("rwkv_vocab_a.txt: " + message, error.Message);
    }

    [Fact]
    public void A_missing_byte_is_told() => Assert.Equal("rwkv_vocab_a.txt: the vocabulary must have all 256 bytes, but has not the byte 7",
        Assert.Throws<InvalidDataException>(() => Tokenizer.Load(folder.Write("rwkv_vocab_a.txt", Bytes(7)))).Message);

    /// <summary>The lines of all bytes but one, with ids one above, and further lines.</summary>
    internal static byte[] Bytes(int but, params string[] lines) => Encoding.UTF8.GetBytes(string.Concat(
        Enumerable.Range(0, 256).Where(value => value != but).Select(static value => $"{value + 1} b'\\x{value:x2}' 1").Concat(lines)
            .Select(static line => line + "\n")));

    private Tokenizer Load(params string[] lines)
    {
        folder.Write("rwkv_vocab_a.txt", Bytes(-1, lines));
        return Tokenizer.Load(folder["."]);
    }
}
