using System.Globalization;
using System.Text;
using Lemma.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Decoding.Constraints;

/// <summary>Small tokenizers of several kinds, whose pieces are cut across the joints of JSON on purpose.</summary>
internal static class ConstraintTokenizers
{
    private static readonly string[] Pieces = ["{\"", "\":", "\": ", "\",\"", "\", \"", "\"}", "\"]", "\"]}", "},{", "}, {", "]}", "[]", "{}", "true", "false", "null", "na", "name",
        "\"name", "\"name\"", "name\":", "12", "123", "00", "0.", "-1", "e+", "\n", "\n  ", "  ", "    ", "\\n", "\\\"", "\\u", "\\u00", "ab", "abc", "yes", "no", "é", "日本", "😀",
        "<tool", "<tool_call>", "</", " a", "the ", "a1b", "-0", "T0", "Z\"", "2024", "-02-", "@a", ".com", "1,", ", ", ",\"", "call", "call>", "l>{", ">{\"", "<|x"];

    /// <summary>Byte-level pieces; 256 bytes first, and two special tokens at the end.</summary>
    public static Tokenizer ByteLevel { get; } = new(
        new LongestPieceModel(new Vocabulary([.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Spell([(byte)b])),
            .. Pieces.Select(piece => ByteAlphabet.Spell(Encoding.UTF8.GetBytes(piece))).Where(spelled => spelled.Length > 1)])),
        [new AddedToken(256 + Wide, "<|end|>"), new AddedToken(257 + Wide, "<|call|>"), new AddedToken(258 + Wide, "<tag>") { IsSpecial = false }],
        decoder: new ByteLevelDecoder());

    /// <summary>The end of a text of <see cref="ByteLevel"/>.</summary>
    public static int End => 256 + Wide;

    /// <summary>The ids of the single bytes of a text, of <see cref="ByteLevel"/>.</summary>
    public static int[] Spell(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => ByteLevel.IdOf(ByteAlphabet.Spell([b]))!.Value)];

    /// <summary>The end of a text of one of the two.</summary>
    public static int EndOf(Tokenizer tokenizer) => ReferenceEquals(tokenizer, ByteLevel) ? End : Fallback.IdOf("</s>")!.Value;

    /// <summary>Pieces with SentencePiece's marks, and bytes beside them.</summary>
    public static Tokenizer Fallback { get; } = new(
        new BpeModel(new Vocabulary([.. Enumerable.Range(0, 256).Select(b => string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>")), .. Marked]), []),
        [new AddedToken(256 + Marked.Length, "</s>")],
        decoder: new SequenceDecoder([new ReplaceDecoder("\u2581", " "), new ByteFallbackDecoder(), new FuseDecoder(), new StripDecoder(' ', 1, 0)]));

    private static string[] Marked => [.. Pieces.Concat(["\u2581", "\u2581yes", "{", "}", "\"", "[", "]", ",", "a", "b", "1", "\n"])
        .Select(piece => piece.Replace(' ', '\u2581')).Distinct()];

    private static int Wide => Pieces.Count(piece => Encoding.UTF8.GetByteCount(piece) > 1);
}
