using Lemma.Sequences;
using Lemma.Text;

namespace Lemma.Decoding;

/// <summary>The text that a generator makes, piece by piece, up to an end of the ids or one of <see cref="GenerationOptions.StopTexts"/>.</summary>
public sealed class TextStream
{
    private readonly Generator generator;
    private readonly StreamingDecoder decoder;
    private readonly StopFilter filter;
    private readonly int prompt;
    private bool hasEnded;

    /// <summary>Restarts the generator with a prompt; the text of the prompt is not part of what comes.</summary>
    public TextStream(Generator generator, Tokenizer tokenizer, ReadOnlyMemory<int> prompt, GenerationOptions options)
        : this(generator, tokenizer, null, prompt, options)
    {
    }

    /// <summary>Starts the generator with a prompt behind what a state holds, such as a source that an encoder read; null for no state.</summary>
    /// <remarks>The state is left as it was.</remarks>
    public TextStream(Generator generator, Tokenizer tokenizer, SequenceState? state, ReadOnlyMemory<int> prompt, GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentNullException.ThrowIfNull(options);
        this.generator = generator;
        filter = new StopFilter(options.StopTexts);
        options = options with { StopTexts = [] };
        if (state is null)
            generator.Restart(prompt, options);
        else
            generator.Start(state, prompt, options);
        this.prompt = prompt.Length;
        decoder = new StreamingDecoder(tokenizer, skipSpecialTokens: !options.KeepsSpecialTokens, prompt: prompt.Span);
    }

    /// <summary>The text that it stopped at; null before, and where the ids ended.</summary>
    public string? Stop => filter.Stop;

    /// <summary>The ids that were made so far; at a stop text, those of the stop among them.</summary>
    public ReadOnlySpan<int> Ids => generator.Ids()[prompt..];

    /// <summary>The pieces as they come, none of them empty.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; what came before stays.</exception>
    public IEnumerable<string> Pieces(CancellationToken cancellation = default)
    {
        while (TryNext(out string piece))
        {
            cancellation.ThrowIfCancellationRequested();
            if (piece.Length > 0)
                yield return piece;
        }
    }

    /// <summary>What the next id adds to the text, which may be nothing; false behind the last piece.</summary>
    public bool TryNext(out string piece)
    {
        piece = "";
        if (hasEnded)
            return false;
        if (generator.TryNext(out int id))
        {
            piece = filter.Append(decoder.Append(id));
            hasEnded = filter.Stop is not null;
            return true;
        }
        hasEnded = true;
        piece = filter.Append(decoder.Finish()) + filter.Finish();
        return piece.Length > 0;
    }
}
