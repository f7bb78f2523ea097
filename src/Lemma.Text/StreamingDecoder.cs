using System.Text;
using Lemma.Text.Decoding;

namespace Lemma.Text;

/// <summary>Ids in one at a time, text out: together what <see cref="Tokenizer.Decode"/> gives, no character ever split.</summary>
/// <remarks>One stream and one thread; make a new one for each text.</remarks>
/// <param name="tokenizer">Whose ids come in.</param>
/// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens = true)
{
    private readonly StringBuilder text = new();
    private PieceSink? sink;
    private bool finished;

    /// <summary>The text that is certain after one more id; often empty while the bytes of a character are still coming.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no such id.</exception>
    /// <exception cref="InvalidOperationException">The stream was finished.</exception>
    public string Append(int id)
    {
        if (finished)
            throw new InvalidOperationException($"decode: a stream ends with Finish, but the id {id} came after it");
        sink ??= tokenizer.StartDecoding(text);
        if (!skipSpecialTokens || !tokenizer.IsSpecial(id))
            sink.Write(tokenizer.PieceOf(id), endsPiece: true);
        return Take();
    }

    /// <summary>Ends the stream: the text that was held back, with U+FFFD for an unfinished character.</summary>
    public string Finish()
    {
        if (finished)
            return "";
        finished = true;
        (sink ?? tokenizer.StartDecoding(text)).Finish();
        return Take();
    }

    private string Take()
    {
        string taken = text.ToString();
        text.Clear();
        return taken;
    }
}
