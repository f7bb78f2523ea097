using System.Text;
using Lemma.Text.Decoding;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    /// <summary>The text of ids.</summary>
    /// <param name="ids">Ids; those without a piece, which models may have more of than the vocabulary, are left out.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        StringBuilder text = new(4 * ids.Length);
        PieceSink sink = StartDecoding(text);
        foreach (int id in ids)
            WritePiece(id, skipSpecialTokens, sink);
        sink.Finish();
        return text.ToString();
    }

    /// <summary>Hands the piece of an id to a chain of decoders.</summary>
    internal void WritePiece(int id, bool skipSpecialTokens, PieceSink sink)
    {
        if (WrittenPiece(id, skipSpecialTokens) is string piece)
            sink.Write(piece, endsPiece: true);
    }

    /// <summary>What decoders get of an id, an added token in the form in which normalized text has it; null where they get nothing.</summary>
    internal string? WrittenPiece(int id, bool skipSpecialTokens)
    {
        if (!addedById.TryGetValue(id, out AddedToken? token))
            return Model.Vocabulary.PieceOf(id);
        if (skipSpecialTokens && token.IsSpecial)
            return null;
        return token.IsNormalized && Normalizer?.NormalizeToken(token.Content) is { Length: > 0 } normalized ? normalized : token.Content;
    }

    /// <summary>The head of a fresh chain of decoders that ends in the text.</summary>
    internal PieceSink StartDecoding(StringBuilder text)
    {
        TextSink end = new(text, separator: Decoder is null ? " " : "");
        return Decoder?.Attach(end) ?? end;
    }

    private sealed class TextSink(StringBuilder text, string separator) : PieceSink
    {
        private bool afterPiece;

        public override void Write(ReadOnlySpan<char> part, bool endsPiece)
        {
            if (afterPiece)
                text.Append(separator);
            text.Append(part);
            afterPiece = endsPiece;
        }

        public override void Finish()
        {
        }
    }
}
