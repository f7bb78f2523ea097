using System.Buffers;
using System.Text;
using Lemma.Text.Decoding;

namespace Lemma.Text;

/// <summary>Ids in one at a time, text out: together what <see cref="Tokenizer.Decode"/> gives, no character ever split.</summary>
/// <remarks>With the ids of a prompt: the text of the prompt and the new ids, without the text of the prompt. A run of byte pieces ends with
/// the prompt, but for a character begun there: a wrong byte behind it does not make the prompt's bytes wrong. Ids without a piece are left out.
/// One stream and one thread; make a new one for each text.</remarks>
public sealed class StreamingDecoder
{
    // The most bytes of a character that more bytes can end.
    private const int LongestBegun = 3;

    private readonly StringBuilder text = new();
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly PieceSink sink;
    private string pending = "";
    private bool finished;

    /// <summary>A stream of ids that starts a text, or goes on behind those of a prompt.</summary>
    /// <param name="tokenizer">Whose ids come in.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <param name="prompt">The ids that stand before; may be empty.</param>
    public StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens = true, ReadOnlySpan<int> prompt = default)
    {
        (this.tokenizer, this.skipSpecialTokens) = (tokenizer, skipSpecialTokens);
        sink = tokenizer.StartDecoding(text);
        WritePrompt(prompt, sink);
        string told = Take();
        // What the decoders still hold back is text of the prompt too.
        PieceSink twin = tokenizer.StartDecoding(text);
        WritePrompt(prompt, twin);
        twin.Finish();
        pending = text.ToString(told.Length, text.Length - told.Length);
        text.Clear();
    }

    /// <summary>The text that is certain after one more id; often empty while the bytes of a character are still coming.</summary>
    /// <exception cref="InvalidOperationException">The stream was finished.</exception>
    public string Append(int id)
    {
        if (finished)
            throw new InvalidOperationException($"decode: a stream ends with Finish, but the id {id} came after it");
        tokenizer.WritePiece(id, skipSpecialTokens, sink);
        return Take();
    }

    /// <summary>Ends the stream: the text that was held back, with U+FFFD for an unfinished character.</summary>
    public string Finish()
    {
        if (finished)
            return "";
        finished = true;
        sink.Finish();
        return Take();
    }

    private void WritePrompt(ReadOnlySpan<int> prompt, PieceSink sink)
    {
        (int begun, bool endsRun) = tokenizer.Decoder is PieceDecoder decoder && ReadsBytes(decoder) ? BegunCharacter(prompt) : (prompt.Length, false);
        foreach (int id in prompt[..begun])
            tokenizer.WritePiece(id, skipSpecialTokens, sink);
        if (endsRun)
            sink.Write([], endsPiece: true);
        foreach (int id in prompt[begun..])
            tokenizer.WritePiece(id, skipSpecialTokens, sink);
    }

    // Where the bytes of an unfinished character at the end begin, and whether bytes of a run stand right before it.
    private (int Begun, bool EndsRun) BegunCharacter(ReadOnlySpan<int> prompt)
    {
        Span<byte> bytes = stackalloc byte[LongestBegun];
        int begun = prompt.Length, free = bytes.Length;
        for (int at = prompt.Length - 1; at >= 0; at--)
        {
            if (tokenizer.WrittenPiece(prompt[at], skipSpecialTokens) is not string piece)
                continue;
            if (ByteFallbackDecoder.ByteOf(piece) is not byte value)
                break;
            if (begun < prompt.Length || free == 0)
                return (begun, true);
            bytes[--free] = value;
            if (Rune.DecodeFromUtf8(bytes[free..], out _, out _) == OperationStatus.NeedMoreData)
                begun = at;
        }
        return (begun, free < bytes.Length && begun == prompt.Length);
    }

    private static bool ReadsBytes(PieceDecoder decoder) =>
        decoder is ByteFallbackDecoder || (decoder is SequenceDecoder sequence && sequence.Decoders.Any(ReadsBytes));

    private string Take()
    {
        int known = pending.AsSpan().CommonPrefixLength(text.ToString());
        // A text that goes on otherwise than the prompt's held-back end owes nothing more of it.
        pending = known == text.Length ? pending[known..] : "";
        string taken = text.ToString(known, text.Length - known);
        text.Clear();
        return taken;
    }
}
