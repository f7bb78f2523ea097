using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language;

/// <summary>A model of any kind with its tokenizer and the threads that run it.</summary>
internal sealed class ReadableModel : IDisposable
{
    private const char WordMark = '▁';

    private ReadableModel(Model model, Tokenizer tokenizer, ChatTemplate? template, Workers workers) =>
        (Model, Tokenizer, Template, Workers) = (model, tokenizer, template, workers);

    public Model Model { get; }

    public Tokenizer Tokenizer { get; }

    /// <summary>The chat template, where it was to be read and there is one.</summary>
    public ChatTemplate? Template { get; }

    public Workers Workers { get; }

    /// <summary>What it is, in words.</summary>
    public string Kind => Model switch
    {
        Decoder => "a decoder",
        Encoder => "an encoder",
        _ => "an encoder and a decoder",
    };

    /// <summary>Reads a model's folder, a GGUF file, or a checkpoint of llama2.c with the tokenizer beside it.</summary>
    public static ReadableModel Load(string path, int? threads, bool withTemplate = false)
    {
        ModelFiles files = ModelFiles.Find(path);
        Workers workers = new(threads);
        Model? model = null;
        // The tokenizer is read while the weights are. Where both are broken the weights' fault is told, whichever came first.
        Task<(Tokenizer Tokenizer, ChatTemplate? Template)> text = Task.Run(() => (files.ReadTokenizer(), withTemplate ? files.ReadTemplate() : null));
        try
        {
            model = ModelFolder.ReadAsStored(files.Weights);
            (Tokenizer tokenizer, ChatTemplate? template) = text.GetAwaiter().GetResult();
            if (tokenizer.VocabularySize > model.AnyConfig.VocabularySize)
                throw new InvalidDataException($"{path}: the tokenizer has {tokenizer.VocabularySize} ids, but the model has {model.AnyConfig.VocabularySize}");
            return new ReadableModel(model, tokenizer, template, workers);
        }
        catch
        {
            // No file stays open behind the error; a second fault has been waited for and is not told.
            ((Task)text).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            model?.Dispose();
            workers.Dispose();
            throw;
        }
    }

    /// <summary>The ids of one text that is looked at, with its special tokens.</summary>
    public int[] Encode(string operation, string text)
    {
        Require.That(text.Length > 0, $"{operation}: the text is empty");
        int[] ids = Tokenizer.Encode(text);
        Require.That(ids.Length > 0, $"{operation}: the text has no tokens");
        int most = Model.AnyConfig.MaximumLength;
        Require.That(ids.Length <= most, $"{operation}: the model reads at most {most} tokens, but the text has {ids.Length}");
        return ids;
    }

    /// <summary>The text of an id within a text; its piece where it has none, as bytes of a character have not.</summary>
    public string TextOf(int id)
    {
        if (Tokenizer.PieceOrNull(id) is not { } piece)
            return $"<{id}>";
        string text = Tokenizer.Decode([id], skipSpecialTokens: false);
        // At the beginning of a text SentencePiece's space is left out.
        if (piece.StartsWith(WordMark) && !text.StartsWith(' '))
            text = " " + text;
        return text.Length == 0 || text.Contains('\uFFFD', StringComparison.Ordinal) ? piece : text;
    }

    public void Dispose()
    {
        Workers.Dispose();
        Model.Dispose();
    }
}
