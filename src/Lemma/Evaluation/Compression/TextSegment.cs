using System.Text;
using System.Text.Unicode;
using Lemma.Text;

namespace Lemma.Evaluation.Compression;

/// <summary>Bytes that are a text which the tokenizer gives back to the byte, with its ids, or bytes that are none.</summary>
/// <param name="First">Where it begins.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Ids">Its ids; null for bytes.</param>
internal readonly record struct TextSegment(int First, int Length, int[]? Ids)
{
    // Shorter texts among bytes, and in what a tokenizer cannot carry, are bytes as well.
    private const int ShortestText = 24, ShortestPiece = 256;

    /// <summary>All of some bytes, in order.</summary>
    public static List<TextSegment> Split(ReadOnlySpan<byte> bytes, Tokenizer tokenizer)
    {
        List<TextSegment> segments = [];
        for (int at = 0; at < bytes.Length;)
        {
            int length = TextLength(bytes[at..]);
            if (length == bytes.Length || length >= ShortestText)
                AddText(bytes, at, length, tokenizer, segments);
            else
                AddBytes(at, length = Math.Max(1, length), segments);
            at += length;
        }
        return segments;
    }

    // How many of the first bytes are whole UTF-8 characters.
    private static int TextLength(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
            return bytes.Length;
        int length = 0;
        while (length < bytes.Length && Rune.DecodeFromUtf8(bytes[length..], out _, out int read) == System.Buffers.OperationStatus.Done)
            length += read;
        return length;
    }

    private static void AddText(ReadOnlySpan<byte> bytes, int first, int length, Tokenizer tokenizer, List<TextSegment> segments)
    {
        string text = Encoding.UTF8.GetString(bytes.Slice(first, length));
        int[] ids = tokenizer.Encode(text, addSpecialTokens: false);
        if (ids.Length <= length && tokenizer.Decode(ids, skipSpecialTokens: false) == text)
        {
            segments.Add(new TextSegment(first, length, ids));
            return;
        }
        if (length < ShortestPiece)
        {
            AddBytes(first, length, segments);
            return;
        }
        // In halves, at the end of a line where there is one near.
        int half = bytes.Slice(first, length / 2).LastIndexOf((byte)'\n') + 1;
        if (half < length / 4)
            half = length / 2;
        while ((bytes[first + half] & 0xC0) == 0x80)
            half++;
        AddText(bytes, first, half, tokenizer, segments);
        AddText(bytes, first + half, length - half, tokenizer, segments);
    }

    private static void AddBytes(int first, int length, List<TextSegment> segments)
    {
        if (segments.Count > 0 && segments[^1].Ids is null)
            (first, length) = (segments[^1].First, segments[^1].Length + length);
        else
            segments.Add(default);
        segments[^1] = new TextSegment(first, length, null);
    }
}
