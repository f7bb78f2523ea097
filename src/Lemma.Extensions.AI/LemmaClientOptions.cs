using Lemma.Decoding;
using Lemma.Sequences;

namespace Lemma.Extensions.AI;

/// <summary>How a model is loaded and served.</summary>
public sealed class LemmaClientOptions
{
    /// <summary>Threads that run the model; null for one a processor.</summary>
    public int? Threads { get; set; }

    /// <summary>How keys and values of what was read are stored, as <c>f32</c> or <c>q8_0</c>; null for 32-bit floats.</summary>
    public string? CacheFormat { get; set; }

    /// <summary>The name that answers carry and that options may ask for; null for the last part of the path.</summary>
    public string? ModelId { get; set; }

    /// <summary>The most texts that go on together.</summary>
    public int MostSequences { get; set; } = new BatcherOptions().MostSequences;

    /// <summary>The most requests that wait; one more is a <see cref="QueueFullException"/>.</summary>
    public int MostWaiting { get; set; } = new BatcherOptions().MostWaiting;

    /// <summary>The bytes that states may hold together; null for a quarter of the memory that the process may use.</summary>
    public long? StateBytes { get; set; }

    /// <summary>Folders of adapters (LoRA, as PEFT writes them) by name: <c>ChatOptions.ModelId</c> of such a name is answered by the model with it.</summary>
    public IDictionary<string, string> Adapters { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    internal BatcherOptions Batching => new() { MostSequences = MostSequences, MostWaiting = MostWaiting, StateBytes = StateBytes };

    internal CacheFormat? Cache => CacheFormat is null ? null : Sequences.CacheFormat.Find(CacheFormat);

    /// <summary>The name of a model in a path.</summary>
    internal string NameOf(string path) => ModelId ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
}
