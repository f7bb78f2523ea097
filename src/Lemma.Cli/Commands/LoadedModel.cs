using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Cli.Commands;

/// <summary>A model with its tokenizer and threads, read from a folder.</summary>
internal sealed class LoadedModel : IDisposable
{
    private LoadedModel(string folder, int? threads)
    {
        string tokenizer = Path.Combine(folder, "tokenizer.json");
        Decoder = ModelFolder.ReadDecoder(folder);
        try
        {
            Tokenizer = File.Exists(tokenizer) ? Tokenizer.Load(tokenizer)
                : throw new FileNotFoundException($"model: the folder '{folder}' has no tokenizer.json");
            if (Tokenizer.VocabularySize > Decoder.Config.VocabularySize)
                throw new InvalidDataException(
                    $"{tokenizer}: it has {Tokenizer.VocabularySize} ids, but the model has {Decoder.Config.VocabularySize}");
        }
        catch
        {
            Decoder.Dispose();
            throw;
        }
        Workers = new Workers(threads);
    }

    public Tokenizer Tokenizer { get; }

    public Decoder Decoder { get; }

    public Workers Workers { get; }

    public static LoadedModel Read(string argument, int? threads) => new(ModelPath.Find(argument), threads);

    /// <summary>The ids of a prompt; an empty one begins as a document does.</summary>
    public int[] Prompt(string text)
    {
        int[] ids = Tokenizer.Encode(text);
        if (ids.Length > 0)
            return ids;
        return (Decoder.Config.BeginId ?? Decoder.Config.EndId) is { } begin ? [begin]
            : throw new UsageException("--prompt: this model has no id that begins a text, so it needs a prompt");
    }

    public void Dispose()
    {
        Workers.Dispose();
        Decoder.Dispose();
    }
}
