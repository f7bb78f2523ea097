using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language.Exports;

/// <summary>Writes a model with its tokenizer and chat template as one GGUF file.</summary>
public static class GgufExport
{
    /// <summary>Writes the file; killed at any instant, the old file or the new one is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="template">Its chat template, or null.</param>
    /// <param name="mix">How tensors are stored.</param>
    /// <param name="workers">Threads that round; the bytes do not depend on them.</param>
    /// <param name="progress">Told the bytes of tensors that are written, and how many there will be.</param>
    /// <param name="importance">How much the errors of a tensor's columns count, by its name; null for all alike.</param>
    /// <exception cref="ArgumentException">No architecture of the format can say the model's config.</exception>
    /// <exception cref="NotSupportedException">The format has no kind of tokenizer that gives the same ids.</exception>
    public static GgufWritten Write(string path, Model model, Tokenizer tokenizer, ChatTemplate? template, GgufMix mix, Workers workers,
        Action<long, long>? progress = null, IReadOnlyDictionary<string, float[]>? importance = null)
    {
        ModelConfig config = model.AnyConfig;
        List<KeyValuePair<string, object>> values = [new("general.name", Path.GetFileNameWithoutExtension(path)),
            .. tokenizer.ToGguf(config.VocabularySize, config.BeginId, config.EndIds, template)];
        return GgufFile.Write(path, model, mix, values, workers, progress, importance);
    }
}
