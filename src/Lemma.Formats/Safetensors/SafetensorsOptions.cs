namespace Lemma.Formats;

/// <summary>How safetensors files are written.</summary>
public sealed record SafetensorsOptions
{
    /// <summary>Texts beside the tensors. Hugging Face's readers ask for <c>format: pt</c>, which stands here.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>The most bytes of tensors that one file of a folder holds, unless one tensor has more; at least 1.</summary>
    public long MaximumShardBytes { get; init; } = long.MaxValue;

    /// <summary>Told after every piece: bytes of tensors written, and bytes of all tensors.</summary>
    public Action<long, long>? Progress { get; init; }
}
