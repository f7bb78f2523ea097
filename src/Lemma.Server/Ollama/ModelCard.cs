using System.Globalization;
using Lemma.Language.Sentences;
using Lemma.Language.Serving;

namespace Lemma.Server.Ollama;

/// <summary>What a model's files say of it, in Ollama's words; the weights are not read for it.</summary>
/// <param name="Digest">64 hexadecimal digits (<see cref="ModelDigest"/>).</param>
/// <param name="Summary">What it is.</param>
internal sealed record ModelCard(string Digest, ModelSummary Summary)
{
    public string Format => Summary.IsGguf ? "gguf" : "safetensors";

    /// <summary>Reads the card of a model.</summary>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public static ModelCard Read(ServedModel model) =>
        new(ModelDigest.Of(model.Path), ModelSummary.Read(model.IsEmbedding ? SentenceFiles.Read(model.Path).Model : model.Path));

    /// <summary>A count with a letter behind it: 15M, 134.52M, 7.6B.</summary>
    public static string SizeOf(long count) => count switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.#}B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.##}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / 1e3:0.##}K"),
    };
}
