using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>The config of a GGUF file of Llama's shape, from its values and the names of its tensors.</summary>
/// <remarks>Refused where the tensors hold another number of elements.</remarks>
internal static class GgufShape
{
    private static readonly string[] Known = ["llama", "qwen2", "qwen3"];

    public static DecoderConfig ConfigOf(ModelContents contents)
    {
        string architecture = contents.Metadata["general.architecture"] as string ?? "";
        if (!Known.Contains(architecture))
            throw new InvalidDataException($"{contents.Path}: plans of GGUF files know the architectures {string.Join(", ", Known)}, not '{architecture}'");
        Dictionary<string, TensorEntry> tensors = contents.Tensors.ToDictionary(tensor => tensor.Name);
        int Value(string name, int? fallback = null) => contents.Metadata.TryGetValue($"{architecture}.{name}", out object? value)
            ? Whole(contents.Path, name, value) : fallback ?? throw new InvalidDataException($"{contents.Path}: the value {architecture}.{name} is missing");
        if (Value("expert_count", 0) > 0)
            throw new InvalidDataException($"{contents.Path}: plans of GGUF files know no experts yet, but the file has {Value("expert_count")}");
        int width = Value("embedding_length"), heads = Value("attention.head_count"), layers = Value("block_count");
        if (width < 1 || heads < 1 || layers < 1 || !tensors.TryGetValue("token_embd.weight", out TensorEntry? table))
            throw new InvalidDataException($"{contents.Path}: a decoder has a width, heads, blocks and token_embd.weight, but the values are {width}, {heads} "
                + $"and {layers}");
        int headWidth = Value("attention.key_length", width / heads);
        NormConfig norm = new RmsNormConfig();
        bool hasBias = tensors.ContainsKey("blk.0.attn_q.bias"), hasNorms = tensors.ContainsKey("blk.0.attn_q_norm.weight");
        BlockConfig block = new()
        {
            Mixer = new AttentionConfig
            {
                Heads = heads,
                KeyValueHeads = Value("attention.head_count_kv", heads),
                HeadWidth = headWidth,
                Rotary = new RotaryConfig(),
                InputBias = hasBias,
                QueryKeyNorm = hasNorms ? norm : null,
            },
            FeedForward = new GatedFeedForward(Value("feed_forward_length")),
            Before = norm,
        };
        DecoderConfig config = new()
        {
            MaximumLength = Value("context_length"),
            Stack = new StackConfig
            {
                Embedding = new EmbeddingConfig { VocabularySize = checked((int)(table.Count / width)), Width = width },
                Blocks = [.. Enumerable.Repeat(block, layers)],
                Norm = norm,
            },
            Head = new HeadConfig(Tied: !tensors.ContainsKey("output.weight")),
        };
        long counted = ParameterCount.Of(Checked(contents.Path, config)).Total;
        long held = contents.Tensors.Where(tensor => !tensor.Name.StartsWith("rope_freqs", StringComparison.Ordinal)).Sum(tensor => tensor.Count);
        return counted == held ? config : throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
            $"{contents.Path}: a {architecture} of these values has {counted} parameters, but the tensors hold {held}"));
    }

    private static DecoderConfig Checked(string path, DecoderConfig config)
    {
        try
        {
            return config.Validate();
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{path}: {error.Message}");
        }
    }

    private static int Whole(string path, string name, object value)
    {
        try
        {
            return Convert.ToInt32(value, CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is InvalidCastException or OverflowException or FormatException)
        {
            throw new InvalidDataException($"{path}: the value {name} must be a whole number of 32 bits, but it is {value}");
        }
    }
}
