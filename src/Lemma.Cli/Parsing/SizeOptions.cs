using System.CommandLine;
using Lemma.Models;

namespace Lemma.Cli.Parsing;

/// <summary>The options that give a new encoder, or an encoder with a decoder, its sizes.</summary>
internal sealed class SizeOptions
{
    private const int HiddenMultiple = 32;
    private static readonly Dictionary<string, (int Width, int Layers, int Heads)> Presets = new()
    {
        ["tiny"] = (128, 3, 4),
        ["small"] = (256, 6, 8),
        ["base"] = (768, 12, 12),
    };

    private readonly Option<string?> preset = Choice.Text("--preset", string.Join('|', Presets.Keys), "The sizes to start from: width 128, 256 or 768");
    private readonly Option<int?> layers = Choice.Whole("--layers", "Blocks, of an encoder and a decoder those of each");
    private readonly Option<int?> heads = Choice.Whole("--heads", "Heads of attention");
    private readonly Option<int?> width = Choice.Whole("--width", "The width of the residual stream");
    private readonly Option<int?> hidden = Choice.Whole("--hidden", "The inner width of the feed-forward");
    private readonly Option<double?> dropout = Choice.Number("--dropout", "The probability to drop an activation; 0 without it, or the model's own", below: 1);
    private readonly Option<int?> vocabulary = Choice.Whole("--vocab", "The most ids of the tokenizer, which is trained on the data", most: 1 << 20, fallback: 2048);

    public SizeOptions()
    {
        preset.DefaultValueFactory = _ => "tiny";
        preset.AcceptOnlyFromAmong([.. Presets.Keys]);
    }

    public Option[] All => [preset, layers, heads, width, hidden, dropout, vocabulary];

    public int Vocabulary(ParseResult parsed) => parsed.GetValue(vocabulary)!.Value;

    /// <summary>The dropout that was asked for; null for that of the model.</summary>
    public float? Dropout(ParseResult parsed) => (float?)parsed.GetValue(dropout);

    /// <summary>Refuses sizes where a model is given that has its own; its dropout may be another one.</summary>
    public void RequireNone(ParseResult parsed, string model)
    {
        foreach (Option option in All.Where(option => option != dropout && Choice.IsGiven(parsed, option)))
            throw new UsageException($"{option.Name}: it is of a new model, but '{model}' is given, which has its own");
    }

    /// <summary>BERT's shape.</summary>
    public EncoderConfig ReadBert(ParseResult parsed, int ids, int length, int classes)
    {
        (int width, int layers, int heads) = Read(parsed);
        return Lemma.Models.Presets.Bert(ids, width, layers, heads, parsed.GetValue(hidden) ?? 4 * width, length, classes) with { Dropout = Dropout(parsed) ?? 0 };
    }

    /// <summary>T5's shape.</summary>
    public EncoderDecoderConfig ReadT5(ParseResult parsed, int ids)
    {
        (int width, int layers, int heads) = Read(parsed);
        int inner = parsed.GetValue(hidden) ?? (8 * width / 3 + HiddenMultiple - 1) / HiddenMultiple * HiddenMultiple;
        return Lemma.Models.Presets.T5(ids, width, layers, heads, inner) with { Dropout = Dropout(parsed) ?? 0 };
    }

    private (int Width, int Layers, int Heads) Read(ParseResult parsed)
    {
        (int Width, int Layers, int Heads) usual = Presets[parsed.GetValue(preset)!];
        return (parsed.GetValue(width) ?? usual.Width, parsed.GetValue(layers) ?? usual.Layers, parsed.GetValue(heads) ?? usual.Heads);
    }
}
