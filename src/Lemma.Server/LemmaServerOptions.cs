using Lemma.Decoding;
using Lemma.Sequences;

namespace Lemma.Server;

/// <summary>What a server serves, and to whom.</summary>
public sealed class LemmaServerOptions
{
    /// <summary>The models, by the names that requests ask for; the first writer is that of requests which need not name one.</summary>
    public IList<ServedModel> Models { get; } = [];

    /// <summary>Keys of which a request must bring one, as <c>Authorization: Bearer KEY</c> or <c>X-Api-Key: KEY</c>; none for no check.</summary>
    public IList<string> ApiKeys { get; } = [];

    /// <summary>Threads that run each model; null for one a processor.</summary>
    public int? Threads { get; set; }

    /// <summary>How keys and values of what was read are stored; null for 32-bit floats.</summary>
    public CacheFormat? CacheFormat { get; set; }

    /// <summary>What the batcher of each model may take.</summary>
    public BatcherOptions Batching { get; set; } = new();

    /// <summary>The most bytes of a request's body; more is 413.</summary>
    public long MaximumBodyBytes { get; set; } = 16 << 20;

    /// <summary>Bytes for responses that later ones go on from (<c>previous_response_id</c>); the oldest ones make room. 0 keeps none.</summary>
    public long StoredResponseBytes { get; set; } = 64 << 20;
}

/// <summary>A model that a server serves.</summary>
/// <param name="Name">What requests call it.</param>
/// <param name="Path">A model's folder, a GGUF file, or a checkpoint of llama2.c.</param>
public sealed record ServedModel(string Name, string Path)
{
    /// <summary>Whether it makes vectors of texts, and writes none.</summary>
    public bool IsEmbedding { get; init; }

    /// <summary>A model under the last part of its path.</summary>
    public static ServedModel Of(string path) =>
        new(System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path))), path);
}
