using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language;

/// <summary>A model that writes text: a decoder, or an encoder and a decoder, with its tokenizer, its chat template and the threads that run it.</summary>
/// <remarks>It answers and does not learn: its matrices lie in panels (<see cref="Weights.Parameters.Pack"/>), with the bits of rows.</remarks>
public sealed class LanguageModel : IDisposable
{
    private readonly ReadableModel own;

    private LanguageModel(ReadableModel own) => this.own = own;

    /// <summary>The model: a <see cref="Models.Decoder"/>, or an <see cref="EncoderDecoder"/>, which reads a prompt as its source and writes a text to it.</summary>
    public Model Model => own.Model;

    /// <summary>The decoder that reads and continues a text.</summary>
    /// <exception cref="InvalidOperationException">The model has an encoder too.</exception>
    public Decoder Decoder => own.Model as Decoder ?? throw new InvalidOperationException($"model: it is {own.Kind}, and no decoder alone");

    /// <summary>The tokenizer, whose ids are among the model's.</summary>
    public Tokenizer Tokenizer => own.Tokenizer;

    /// <summary>The chat template; null where the model has none.</summary>
    public ChatTemplate? Template => own.Template;

    /// <summary>The threads; they serve one caller at a time.</summary>
    public Workers Workers => own.Workers;

    internal IContinuingModel Continuing => (IContinuingModel)own.Model;

    /// <summary>Reads a model's folder, a GGUF file, or a checkpoint of llama2.c with the tokenizer beside it.</summary>
    /// <param name="path">The folder, the .gguf file or the .bin file of llama2.c, or a folder with one.</param>
    /// <param name="threads">Threads that run the model; null for one a processor.</param>
    /// <param name="cacheFormat">How keys and values of what was read are stored; null for 32-bit floats.</param>
    /// <exception cref="FileNotFoundException">The path is neither, or there is no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is broken, the files are not of one model, or it is an encoder, which writes nothing.</exception>
    /// <exception cref="ArgumentException">The model cannot keep keys and values in the format (<see cref="Model.CacheFormat"/>).</exception>
    public static LanguageModel Load(string path, int? threads = null, CacheFormat? cacheFormat = null)
    {
        ReadableModel own = ReadableModel.Load(path, threads, withTemplate: true);
        try
        {
            if (own.Model is not IContinuingModel)
                throw new InvalidDataException($"model: the model in '{path}' is {own.Kind}; to continue a text a decoder is needed");
            own.Model.CacheFormat = cacheFormat ?? CacheFormat.Float32;
            own.Model.Parameters.Pack(own.Workers);
            return new LanguageModel(own);
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>The ids of a prompt; an empty one begins as a document does.</summary>
    /// <exception cref="ArgumentException">The text is empty, and no id of the model begins a text.</exception>
    public int[] Prompt(string text)
    {
        int[] ids = Tokenizer.Encode(text);
        if (ids.Length > 0)
            return ids;
        return own.Model is Decoder { Config: var config } && (config.BeginId ?? config.EndId) is { } begin ? [begin]
            : throw new ArgumentException("prompt: a model without an id that begins a text needs a prompt, but the text has no ids");
    }

    /// <summary>The text of an id within a text; its piece where it has none, as bytes of a character have not.</summary>
    public string TextOf(int id) => own.TextOf(id);

    /// <summary>What the model adds to a prompt, in pieces as they come; <c>string.Concat</c> makes one text of them.</summary>
    /// <param name="prompt">What is continued, or answered where the model has an encoder; an empty one begins as a document does.</param>
    /// <param name="options">How; null as <see cref="Models.Model.Sampling"/> says.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <remarks>Every enumeration makes the same text once more. The threads serve one at a time.</remarks>
    /// <exception cref="ArgumentException">The prompt has no ids and none begins a text, or it is longer than the longest sequence.</exception>
    public IEnumerable<string> Complete(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        Pieces(CheckedPrompt(prompt), options ?? GenerationOptions.Sample(own: Model.Sampling), cancellation);

    /// <summary>Several continuations of a prompt, made together; the first is that of <see cref="Complete"/>, the next has the next seed.</summary>
    /// <param name="prompt">What is continued, or answered.</param>
    /// <param name="count">How many.</param>
    /// <param name="options">How; null as <see cref="Models.Model.Sampling"/> says. With
    /// <see cref="GenerationOptions.LogProbabilities"/> each id is told with its log-probability.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The prompt has no ids and none begins a text, or it is longer than the longest sequence.</exception>
    public IReadOnlyList<Completion> CompleteSeveral(string prompt, int count, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        Completions.Several(this, CheckedPrompt(prompt), count, options ?? GenerationOptions.Sample(own: Model.Sampling), cancellation);

    /// <summary>The likeliest continuations of a prompt as a whole, by beam search, the best first.</summary>
    /// <param name="prompt">What is continued, or answered.</param>
    /// <param name="options">How; null for four beams.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The prompt has no ids and none begins a text, or it is longer than the longest sequence.</exception>
    public IReadOnlyList<Completion> Search(string prompt, BeamOptions? options = null, CancellationToken cancellation = default) =>
        Completions.Search(this, CheckedPrompt(prompt), options ?? new BeamOptions(), cancellation);

    /// <summary>A conversation by the model's own chat template; the caller disposes it.</summary>
    /// <param name="system">What the model is told first; null for nothing.</param>
    /// <param name="whenLong">What happens when it no longer fits the longest sequence.</param>
    /// <exception cref="InvalidOperationException">The model has no chat template, or an encoder.</exception>
    public Conversation NewConversation(string? system = null, LongConversation whenLong = LongConversation.Refuse) => new(this, system, whenLong);

    /// <summary>A text that a person and this model write in turn, which needs no template; the caller disposes it.</summary>
    /// <exception cref="InvalidOperationException">The model has an encoder.</exception>
    public Draft NewDraft() => new(this);

    /// <summary>A generator of this model that draws the tokenizer's ids; the caller disposes it.</summary>
    public Generator NewGenerator() => new(Continuing, Workers, Tokenizer.VocabularySize);

    /// <summary>Frees the model and ends its threads.</summary>
    public void Dispose() => own.Dispose();

    /// <summary>Where a text to a prompt begins: a state without tokens, and the ids that are continued. The caller disposes the state.</summary>
    internal (SequenceState State, int[] Prompt) Begin(int[] ids)
    {
        if (own.Model is not EncoderDecoder both)
            return (Decoder.NewState(), ids);
        using Tape tape = new(Workers, both.Parameters) { Recording = false };
        return (both.NewStates(tape, Rows.One(ids))[0], [both.Config.DecoderBeginId]);
    }

    /// <summary>A text to a prompt; a decoder does not read again what the generator read before.</summary>
    internal TextStream Stream(Generator generator, int[] ids, GenerationOptions options)
    {
        if (own.Model is Decoder)
            return new TextStream(generator, Tokenizer, ids, options);
        (SequenceState state, int[] begin) = Begin(ids);
        using (state)
            return new TextStream(generator, Tokenizer, state, begin, options);
    }

    private int[] CheckedPrompt(string prompt)
    {
        int[] ids = Prompt(prompt);
        Require.That(ids.Length <= Continuing.MaximumLength, $"complete: a prompt has at most {Continuing.MaximumLength} ids, but it has {ids.Length}");
        return ids;
    }

    private IEnumerable<string> Pieces(int[] ids, GenerationOptions options, CancellationToken cancellation)
    {
        using Generator generator = NewGenerator();
        foreach (string piece in Stream(generator, ids, options).Pieces(cancellation))
            yield return piece;
    }
}
