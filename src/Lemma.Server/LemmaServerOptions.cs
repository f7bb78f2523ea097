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

    /// <summary>Bytes for models, as large as their files: each is read when it is asked for, and those that nobody uses make room.</summary>
    /// <remarks>Null has all in memory from the start. Keys and values are apart (<see cref="Batching"/>).</remarks>
    public long? ModelBytes { get; set; }

    /// <summary>What the batcher of each model may take.</summary>
    public BatcherOptions Batching { get; set; } = new();

    /// <summary>The most bytes of a request's body; more is 413.</summary>
    public long MaximumBodyBytes { get; set; } = 16 << 20;

    /// <summary>Bytes for responses that later ones go on from (<c>previous_response_id</c>); the oldest ones make room. 0 keeps none.</summary>
    public long StoredResponseBytes { get; set; } = 64 << 20;

    /// <summary>The most time of a request; more is 408, or an error in its stream. Null for any.</summary>
    public TimeSpan? MostTime { get; set; }

    /// <summary>Requests that a key may send a minute, all together where there are no keys; more is 429. Null for any number.</summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>Tokens, read and made, that a key may take a minute, all together where there are no keys; more is 429. Null for any number.</summary>
    public int? TokensPerMinute { get; set; }

    /// <summary>What the time is for these limits; tests have their own.</summary>
    internal TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <summary>Origins whose pages may ask from a browser, such as <c>https://example.org</c>; <c>*</c> for any.</summary>
    public IList<string> Origins { get; } = [];

    /// <summary>Whether the bodies of requests are logged; else the log has no text of theirs.</summary>
    public bool LogsBodies { get; set; }

    /// <summary>Whether there is a page to chat with at <c>/</c>.</summary>
    public bool HasPage { get; set; }
}

/// <summary>A model that a server serves.</summary>
/// <param name="Name">What requests call it.</param>
/// <param name="Path">A model's folder, a GGUF file, or a checkpoint of llama2.c.</param>
public sealed record ServedModel(string Name, string Path)
{
    /// <summary>Whether it makes vectors of texts, and writes none.</summary>
    public bool IsEmbedding { get; init; }

    /// <summary>Further names that requests may call it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Folders of adapters (LoRA, as PEFT writes them) by the names that requests ask for, which the model with it answers.</summary>
    public IReadOnlyDictionary<string, string> Adapters { get; init; } = new Dictionary<string, string>();

    /// <summary>All its names, those of its adapters among them.</summary>
    internal IEnumerable<string> Names => [Name, .. Aliases, .. Adapters.Keys];

    /// <summary>Bytes of its file, or of the files in its folder.</summary>
    internal long FileBytes => Directory.Exists(Path) ? new DirectoryInfo(Path).EnumerateFiles().Sum(static file => file.Length) : new FileInfo(Path).Length;

    /// <summary>Whether it has a name.</summary>
    internal bool IsCalled(string name) => Names.Contains(name);

    /// <summary>A model under the last part of its path.</summary>
    public static ServedModel Of(string path) =>
        new(System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path))), path);
}
