using System.Text;
using Lemma.Text.Decoding;

namespace Lemma.Text;

/// <summary>Ids in one at a time, text out: together what <see cref="Tokenizer.Decode"/> gives, no character ever split.</summary>
/// <remarks>With the ids of a prompt: the text of the prompt and the new ids, without the text of the prompt. Ids without a piece are left
/// out. One stream and one thread; make a new one for each text.</remarks>
public sealed class StreamingDecoder
{
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
        foreach (int id in prompt)
            tokenizer.WritePiece(id, skipSpecialTokens, sink);
        // What the decoders still hold back is text of the prompt too.
        string whole = tokenizer.Decode(prompt, skipSpecialTokens), told = Take();
        if (whole.StartsWith(told, StringComparison.Ordinal))
            pending = whole[told.Length..];
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
