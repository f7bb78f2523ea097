using Lemma.Text;

namespace Lemma.Decoding;

/// <summary>Ids of one text in, its pieces out, up to one of the texts to stop at.</summary>
internal sealed class TextPieces(Tokenizer tokenizer, GenerationOptions options, ReadOnlySpan<int> prompt)
{
    private readonly StreamingDecoder decoder = new(tokenizer, skipSpecialTokens: !options.KeepsSpecialTokens, prompt: prompt);
    private readonly StopFilter filter = new(options.StopTexts);

    /// <summary>The text that it stopped at; null before.</summary>
    public string? Stop => filter.Stop;

    /// <summary>What an id adds to the text, which may be nothing.</summary>
    public string Append(int id) => filter.Append(decoder.Append(id));

    /// <summary>What was held back, when no further id comes.</summary>
    public string Finish() => filter.Append(decoder.Finish()) + filter.Finish();
}
