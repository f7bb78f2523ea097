using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Splitting;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    // A piece that every decoder leaves as it is, to stand before others.
    private const string Neutral = "a";

    /// <summary>The bytes that an id adds to a text, in UTF-8; a part of a character has its own bytes alone.</summary>
    /// <remarks>Special tokens and ids without a piece add none.</remarks>
    /// <param name="id">Any id.</param>
    /// <param name="startsText">Whether no text stands before it: decoders of SentencePiece drop the space that begins a text.</param>
    /// <exception cref="NotSupportedException">What an id adds depends on those behind it (<see cref="SuffixDecoder"/>, <see cref="CtcDecoder"/>).</exception>
    public byte[] BytesOf(int id, bool startsText = false) => WrittenPiece(id, skipSpecialTokens: true) is string piece ? BytesOf(piece, startsText) : [];

    private byte[] BytesOf(string piece, bool startsText)
    {
        PieceDecoder[] stages = Decoder is null ? [] : [.. Flat(Decoder)];
        foreach (PieceDecoder stage in stages)
            if (stage is SuffixDecoder or CtcDecoder or StripDecoder { Stop: > 0 })
                throw new NotSupportedException($"bytes: what an id adds must not depend on those behind it, but it does with {stage.GetType().Name}");
        if (stages.Any(static stage => stage is ByteLevelDecoder))
        {
            if (Array.Find(stages, static stage => stage is not (ByteLevelDecoder or FuseDecoder)) is { } other)
                throw new NotSupportedException($"bytes: pieces spelled in bytes are read by ByteLevelDecoder alone, but {other.GetType().Name} stands beside it");
            return ByteAlphabet.TryRead(piece) ?? Encoding.UTF8.GetBytes(piece);
        }
        // A byte of a longer character is no text alone.
        if (stages.Any(static stage => stage is ByteFallbackDecoder) && ByteFallbackDecoder.ByteOf(piece) is byte value and >= 0x80)
            return [value];
        string before = startsText ? "" : Written([Neutral]), all = Written(startsText ? [piece] : [Neutral, piece]);
        if (!all.StartsWith(before, StringComparison.Ordinal))
            throw new NotSupportedException($"bytes: an id must only add to the text before it, but '{piece}' changes it");
        return Encoding.UTF8.GetBytes(all[before.Length..]);
    }

    private string Written(ReadOnlySpan<string> pieces)
    {
        StringBuilder text = new();
        PieceSink sink = StartDecoding(text);
        foreach (string piece in pieces)
            sink.Write(piece, endsPiece: true);
        sink.Finish();
        return text.ToString();
    }

    private static IEnumerable<PieceDecoder> Flat(PieceDecoder decoder) =>
        decoder is SequenceDecoder sequence ? sequence.Decoders.SelectMany(Flat) : [decoder];
}
