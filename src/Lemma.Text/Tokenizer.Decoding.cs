using System.Text;
using Lemma.Text.Decoding;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    /// <summary>The text of ids.</summary>
    /// <param name="ids">Ids of the vocabulary.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no such id.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        StringBuilder text = new(4 * ids.Length);
        PieceSink sink = StartDecoding(text);
        foreach (int id in ids)
            if (!skipSpecialTokens || !IsSpecial(id))
                sink.Write(PieceOf(id), endsPiece: true);
        sink.Finish();
        return text.ToString();
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
