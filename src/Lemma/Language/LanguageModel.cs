using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language;

/// <summary>A model of text: a decoder with its tokenizer, its chat template and the threads that run it.</summary>
/// <remarks>It answers and does not learn: its matrices lie in panels (<see cref="Weights.Parameters.Pack"/>), with the bits of rows.</remarks>
public sealed class LanguageModel : IDisposable
{
    private LanguageModel(Decoder decoder, Tokenizer tokenizer, ChatTemplate? template, Workers workers) =>
        (Decoder, Tokenizer, Template, Workers) = (decoder, tokenizer, template, workers);

    /// <summary>The decoder.</summary>
    public Decoder Decoder { get; }

    /// <summary>The tokenizer, whose ids are among the decoder's.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The chat template; null where the model has none.</summary>
    public ChatTemplate? Template { get; }

    /// <summary>The threads; they serve one caller at a time.</summary>
    public Workers Workers { get; }

    /// <summary>Reads a model's folder, or a checkpoint of llama2.c with the tokenizer beside it.</summary>
    /// <param name="path">The folder, the .bin file of llama2.c, or a folder with one.</param>
    /// <param name="threads">Threads that run the model; null for one a processor.</param>
    /// <exception cref="FileNotFoundException">The path is neither, or there is no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is broken, or the files are not of one model.</exception>
    public static LanguageModel Load(string path, int? threads = null)
    {
        ModelFiles files = ModelFiles.Find(path);
        Workers workers = new(threads);
        Decoder? decoder = null;
        // The tokenizer is read while the weights are. Where both are broken the weights' fault is told, whichever came first.
        Task<(Tokenizer Tokenizer, ChatTemplate? Template)> text = Task.Run(() => (files.ReadTokenizer(), files.ReadTemplate()));
        try
        {
            decoder = ModelFolder.ReadDecoder(files.Weights);
            (Tokenizer tokenizer, ChatTemplate? template) = text.GetAwaiter().GetResult();
            if (tokenizer.VocabularySize > decoder.Config.VocabularySize)
                throw new InvalidDataException($"{path}: the tokenizer has {tokenizer.VocabularySize} ids, but the model has {decoder.Config.VocabularySize}");
            decoder.Parameters.Pack(workers);
            return new LanguageModel(decoder, tokenizer, template, workers);
        }
        catch
        {
            // No file stays open behind the error; a second fault has been waited for and is not told.
            ((Task)text).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            decoder?.Dispose();
            workers.Dispose();
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
        return (Decoder.Config.BeginId ?? Decoder.Config.EndId) is { } begin ? [begin]
            : throw new ArgumentException("prompt: a model without an id that begins a text needs a prompt, but the text has no ids");
    }

    /// <summary>What the model adds to a prompt, in pieces as they come; <c>string.Concat</c> makes one text of them.</summary>
    /// <param name="prompt">What is continued; an empty one begins as a document does.</param>
    /// <param name="options">How; null draws freely (a temperature of 1).</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <remarks>Every enumeration makes the same text once more. The threads serve one at a time.</remarks>
    /// <exception cref="ArgumentException">The prompt has no ids and none begins a text, or it is longer than the longest sequence.</exception>
    public IEnumerable<string> Complete(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        int[] ids = Prompt(prompt);
        Require.That(ids.Length <= Decoder.Config.MaximumLength,
            $"complete: a prompt has at most {Decoder.Config.MaximumLength} ids, but it has {ids.Length}");
        return Pieces(ids, options ?? GenerationOptions.Sample(), cancellation);
    }

    private IEnumerable<string> Pieces(int[] ids, GenerationOptions options, CancellationToken cancellation)
    {
        using Generator generator = NewGenerator();
        foreach (string piece in new TextStream(generator, Tokenizer, ids, options).Pieces(cancellation))
            yield return piece;
    }

    /// <summary>A conversation by the model's own chat template; the caller disposes it.</summary>
    /// <param name="system">What the model is told first; null for nothing.</param>
    /// <param name="whenLong">What happens when it no longer fits the longest sequence.</param>
    /// <exception cref="InvalidOperationException">The model has no chat template.</exception>
    public Conversation NewConversation(string? system = null, LongConversation whenLong = LongConversation.Refuse) => new(this, system, whenLong);

    /// <summary>A text that a person and this model write in turn, which needs no template; the caller disposes it.</summary>
    public Draft NewDraft() => new(this);

    /// <summary>A generator of this model that draws the tokenizer's ids; the caller disposes it.</summary>
    public Generator NewGenerator() => new(Decoder, Workers, Tokenizer.VocabularySize);

    /// <summary>Frees the model and ends its threads.</summary>
    public void Dispose()
    {
        Workers.Dispose();
        Decoder.Dispose();
    }
}
