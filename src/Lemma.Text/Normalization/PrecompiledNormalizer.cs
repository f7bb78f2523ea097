using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Lemma.Text.Normalization;

/// <summary>The character map that SentencePiece compiles into its models: a trie of UTF-8 texts and what stands for them.</summary>
/// <remarks>As in a tokenizer.json: a grapheme cluster below six bytes is sought whole, otherwise scalar by scalar, and the shortest
/// match counts. As in a SentencePiece model: the longest match at each place counts.</remarks>
public sealed class PrecompiledNormalizer : Normalizer
{
    private readonly uint[] trie;
    private readonly byte[] targets;
    private readonly bool[] keepsAscii = new bool[128];

    /// <summary>A normalizer of a compiled map.</summary>
    /// <param name="map">The bytes of the map: the trie's length, the trie, texts that end in a zero.</param>
    /// <param name="takesLongest">Whether the longest match counts, as SentencePiece has it.</param>
    /// <exception cref="ArgumentException">The map's trie does not fit into it.</exception>
    public PrecompiledNormalizer(byte[] map, bool takesLongest = false)
    {
        uint length = map.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(map) : 0;
        if (length < 1024 || length % 4 != 0 || length > map.Length - 4)
            throw new ArgumentException($"precompiled: the trie must have a multiple of four bytes, at least 1024 and at most "
                + $"{Math.Max(0, map.Length - 4)}, but its length is {length}");
        (Map, TakesLongest) = (map, takesLongest);
        trie = new uint[length / 4];
        for (int i = 0; i < trie.Length; i++)
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(map.AsSpan(4 + (4 * i)));
        targets = map[(4 + (int)length)..];
        for (int c = 0; c < 128; c++)
            keepsAscii[c] = c != '\r' && !TryFind([(byte)c], out _, out _);
    }

    /// <summary>The bytes of the map.</summary>
    public IReadOnlyList<byte> Map { get; }

    /// <summary>Whether the longest match counts.</summary>
    public bool TakesLongest { get; }

    /// <inheritdoc/>
    public override void Apply(AlignedText text)
    {
        ReadOnlySpan<char> source = text.Text;
        text.BeginRewrite();
        int at = 0;
        while (at < source.Length)
        {
            int end = EndOfPlain(source, at);
            text.Keep(at, end);
            at = end;
            if (at < source.Length)
                at = TakesLongest ? RewriteLongest(text, at) : RewriteCluster(text, at);
        }
        text.EndRewrite();
    }

    // An ASCII character that the map keeps, before another ASCII character, is a cluster of its own.
    private int EndOfPlain(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && text[at] < 0x80 && keepsAscii[text[at]] && (at + 1 == text.Length || text[at + 1] < 0x80))
            at++;
        return at;
    }

    private int RewriteCluster(AlignedText text, int at)
    {
        ReadOnlySpan<char> source = text.Text;
        int end = EndOfCluster(source, at);
        Span<byte> utf8 = stackalloc byte[8];
        if (end - at < 6 && Encoding.UTF8.TryGetBytes(source[at..end], utf8, out int count) && count < 6
            && TryFind(utf8[..count], out _, out string whole))
        {
            text.Append(whole, at, end);
            return end;
        }
        for (int width; at < end; at += width)
        {
            width = char.IsHighSurrogate(source[at]) ? 2 : 1;
            count = Encoding.UTF8.GetBytes(source.Slice(at, width), utf8);
            if (TryFind(utf8[..count], out _, out string target))
                text.Append(target, at, at + width);
            else
                text.Keep(at, at + width);
        }
        return end;
    }

    private static int EndOfCluster(ReadOnlySpan<char> text, int at)
    {
        int end = at + StringInfo.GetNextTextElementLength(text[at..]);
        while (end < text.Length && !char.IsControl(text[end - 1]) && IsNewMark(Unicode.RuneAt(text, end).Value))
            end += StringInfo.GetNextTextElementLength(text[end..]);
        return end;
    }

    // Marks of Unicode 17, which the peer knows and the runtime, with Unicode 16, does not: they go with what stands before them.
    private static bool IsNewMark(int scalar) => scalar >= 0x1ACF && scalar is <= 0x1ADD or (>= 0x1AE0 and <= 0x1AEB)
        or (>= 0x10EFA and <= 0x10EFB) or (>= 0x11B60 and <= 0x11B67) or 0x1E6E3 or 0x1E6E6 or (>= 0x1E6EE and <= 0x1E6EF) or 0x1E6F5;

    private int RewriteLongest(AlignedText text, int at)
    {
        Span<byte> utf8 = stackalloc byte[128];
        ReadOnlySpan<char> rest = text.Text.Slice(at, Math.Min(40, text.Text.Length - at));
        if (char.IsHighSurrogate(rest[^1]))
            rest = text.Text.Slice(at, rest.Length - 1 > 0 ? rest.Length - 1 : 2);
        int count = Encoding.UTF8.GetBytes(rest, utf8);
        int width = char.IsHighSurrogate(rest[0]) ? 2 : 1;
        if (!TryFind(utf8[..count], out int used, out string target))
        {
            text.Keep(at, at + width);
            return at + width;
        }
        width = Encoding.UTF8.GetCharCount(utf8[..used]);
        text.Append(target, at, at + width);
        return at + width;
    }

    /// <summary>What stands for the shortest, or the longest, beginning of UTF-8 bytes that the map has.</summary>
    private bool TryFind(ReadOnlySpan<byte> key, out int used, out string target)
    {
        (used, target) = (0, "");
        int found = -1;
        uint node = Offset(trie[0]);
        for (int i = 0; i < key.Length && key[i] != 0; i++)
        {
            node ^= key[i];
            if (node >= trie.Length || (trie[node] & 0x800000FF) != key[i])
                break;
            uint unit = trie[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 0)
                continue;
            if (node >= trie.Length)
                break;
            (found, used) = ((int)(trie[node] & 0x7FFFFFFF), i + 1);
            if (!TakesLongest)
                break;
        }
        if (found < 0 || found >= targets.Length)
            return false;
        int length = targets.AsSpan(found).IndexOf((byte)0);
        target = Encoding.UTF8.GetString(targets.AsSpan(found, length < 0 ? targets.Length - found : length));
        return true;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);
}
