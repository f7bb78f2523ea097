using System.CommandLine;
using Lemma.Checkpoints;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Cli.Parsing;

/// <summary>The options that shape a new model: a preset or a config file, and what differs from it.</summary>
internal sealed class ModelOptions
{
    private const int HiddenMultiple = 32;
    private readonly Option<string?> preset = Choice.Text("--preset", "NAME",
        $"The shape to start from: {string.Join(", ", Presets.Names)}; tiny without it, char with --char");
    private readonly Option<string?> config = Choice.Text("--config", "FILE", "A config.json to start from, instead of a preset");
    private readonly Option<int?> layers = Choice.Whole("--layers", "Blocks");
    private readonly Option<int?> heads = Choice.Whole("--heads", "Query heads");
    private readonly Option<int?> keyValueHeads = Choice.Whole("--kv-heads", "Key and value heads; llama shapes only");
    private readonly Option<int?> width = Choice.Whole("--width", "The width of the residual stream");
    private readonly Option<int?> hidden = Choice.Whole("--hidden", "The inner width of the feed-forward");
    private readonly Option<int?> length = Choice.Whole("--length", "Tokens of a window, and the longest text the model can see");
    private readonly Option<double?> dropout = Choice.Number("--dropout", "The probability to drop an activation", below: 1);

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[preset, config, layers, heads, keyValueHeads, width, hidden, length, dropout])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(preset) is { } name && result.GetValue(config) != null)
                result.AddError("--preset and --config exclude each other");
            else if (result.GetValue(preset) is { } unknown && !Presets.Names.Contains(unknown))
                result.AddError($"--preset: there is no '{unknown}'; there are {string.Join(", ", Presets.Names)}");
        });
    }

    /// <summary>Whether the shape is one of nanochat's.</summary>
    public bool IsNanoChat(ParseResult parsed) => parsed.GetValue(preset)?.StartsWith("nanochat", StringComparison.Ordinal) == true;

    /// <summary>The shape that the options name, for the vocabulary it names itself, and the family of the config file that it came from, if any.</summary>
    public DecoderConfig Read(ParseResult parsed, bool characters, out string? origin)
    {
        origin = null;
        DecoderConfig start = parsed.GetValue(config) is { } file ? ModelFolder.ReadDecoderConfig(file, out origin)
            : Presets.Find(parsed.GetValue(preset) ?? (characters ? "char" : "tiny"))!;
        return Change(start, parsed.GetValue(layers), parsed.GetValue(heads), parsed.GetValue(keyValueHeads), parsed.GetValue(width),
            parsed.GetValue(hidden), parsed.GetValue(length), (float?)parsed.GetValue(dropout));
    }

    /// <summary>A config with some sizes replaced; what hangs on them follows: the heads' width, and the hidden width of another
    /// width.</summary>
    public static DecoderConfig Change(
        DecoderConfig start, int? layers, int? heads, int? keyValueHeads, int? width, int? hidden, int? length, float? dropout)
    {
        EmbeddingConfig embedding = start.Stack.Embedding;
        if (keyValueHeads != null && embedding.LearnedPositions > 0)
            throw new UsageException("--kv-heads: gpt2 has as many key and value heads as query heads");
        int newWidth = width ?? start.Width, newLength = length ?? start.MaximumLength;
        DecoderConfig changed = start.WithBlocks(block => block with
        {
            Mixer = block.Mixer is AttentionConfig attention ? Change(attention, heads, keyValueHeads, width, newWidth) : NotChanged(block.Mixer,
                heads ?? keyValueHeads ?? width),
            FeedForward = block.FeedForward with
            {
                HiddenWidth = hidden ?? (width == null ? block.FeedForward.HiddenWidth
                    : block.FeedForward is PlainFeedForward ? 4 * newWidth : (8 * newWidth / 3 + HiddenMultiple - 1) / HiddenMultiple * HiddenMultiple),
            },
        });
        changed = changed with
        {
            MaximumLength = newLength,
            Dropout = dropout ?? start.Dropout,
            Stack = changed.Stack with
            {
                Embedding = embedding with
                {
                    Width = newWidth,
                    LearnedPositions = embedding.LearnedPositions == 0 ? 0 : newLength + embedding.PositionOffset,
                },
            },
        };
        return (layers is { } count ? changed.WithLayers(count) : changed).Validate();
    }

    private static AttentionConfig Change(AttentionConfig attention, int? heads, int? keyValueHeads, int? width, int newWidth)
    {
        int newHeads = heads ?? attention.Heads;
        bool isGrouped = attention.KeyValueHeads != attention.Heads;
        return attention with
        {
            Heads = newHeads,
            KeyValueHeads = keyValueHeads ?? (isGrouped ? attention.KeyValueHeads : newHeads),
            HeadWidth = width == null && heads == null ? attention.HeadWidth : AttentionConfig.HeadWidthOf(newWidth, newHeads),
        };
    }

    private static MixerConfig NotChanged(MixerConfig mixer, int? size) => size is null ? mixer
        : throw new UsageException($"--heads, --kv-heads, --width: they do not change a model of {mixer.GetType().Name}; write them into the config file");
}
