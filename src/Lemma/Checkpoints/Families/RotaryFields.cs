using System.Text.Json;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Rotary positions in a config: <c>rope_parameters</c> of newer files, <c>rope_theta</c> and <c>rope_scaling</c> of older ones.</summary>
internal static class RotaryFields
{
    private const string Kinds = "default, linear, dynamic, yarn, llama3, longrope, proportional";

    /// <summary>Reads them.</summary>
    /// <param name="settings">The config.</param>
    /// <param name="headWidth">The width of a head.</param>
    /// <param name="length">The longest sequence.</param>
    /// <param name="theta">θ where the config does not say.</param>
    /// <param name="layerType">The kind of layer, where newer files hold parameters a kind.</param>
    /// <param name="share">The share of a head that turns where the config does not say.</param>
    public static RotaryConfig Read(JsonSettings settings, int headWidth, int length, double theta = 10000, string? layerType = null, double share = 1)
    {
        theta = settings.Number("rope_theta", settings.Number("rotary_emb_base", theta));
        share = settings.Number("partial_rotary_factor", settings.Number("rotary_pct", share));
        RopeScaling scaling = RopeScaling.None;
        foreach (string name in (string[])["rope_scaling", "rope_parameters"])
        {
            if (settings.Section(name) is not { } section)
                continue;
            if (layerType is not null && section.Section(layerType) is { } own)
                section = own;
            theta = section.Number("rope_theta", theta);
            share = section.Number("partial_rotary_factor", share);
            scaling = Scaling(section, settings, length, name, share);
            if (scaling is ProportionalRopeScaling)
                share = 1;
            section.RefuseUnread(field => field is "rope_type" or "type" or "finetuned");
        }
        int width = (int)(headWidth * share);
        if (!(theta > 0) || width <= 0 || width > headWidth || width % 2 != 0)
            throw settings.Error($"rope: θ {theta} must be positive, and {width} of {headWidth} columns must be an even number that fit");
        return new RotaryConfig(theta) { Width = width == headWidth ? null : width, Scaling = scaling };
    }

    /// <summary>Writes them for both kinds of reader.</summary>
    public static void Write(Utf8JsonWriter json, RotaryConfig rotary, int headWidth, bool saysShare = false)
    {
        double share = (double)(rotary.Width ?? headWidth) / headWidth;
        json.WriteNumber("rope_theta", rotary.Theta);
        if (saysShare || share != 1)
            json.WriteNumber("partial_rotary_factor", share);
        json.WriteStartObject("rope_parameters");
        WriteInside(json, rotary, share);
        json.WriteEndObject();
        if (rotary.Scaling == RopeScaling.None)
            return;
        json.WriteStartObject("rope_scaling");
        WriteInside(json, rotary, share);
        json.WriteEndObject();
    }

    /// <summary>Writes what stands inside of <c>rope_parameters</c>.</summary>
    public static void WriteInside(Utf8JsonWriter json, RotaryConfig rotary, double share)
    {
        json.WriteNumber("rope_theta", rotary.Theta);
        if (share != 1)
            json.WriteNumber("partial_rotary_factor", share);
        switch (rotary.Scaling)
        {
            case LinearRopeScaling linear:
                json.WriteString("rope_type", "linear");
                json.WriteNumber("factor", linear.Factor);
                break;
            case DynamicNtkRopeScaling dynamic:
                json.WriteString("rope_type", "dynamic");
                json.WriteNumber("factor", dynamic.Factor);
                json.WriteNumber("original_max_position_embeddings", dynamic.TrainedLength);
                break;
            case YarnRopeScaling yarn:
                json.WriteString("rope_type", "yarn");
                json.WriteNumber("factor", yarn.Factor);
                json.WriteNumber("original_max_position_embeddings", yarn.TrainedLength);
                json.WriteNumber("beta_fast", yarn.FastTurns);
                json.WriteNumber("beta_slow", yarn.SlowTurns);
                json.WriteBoolean("truncate", yarn.WholePairs);
                if (yarn.AttentionFactor is { } attention)
                    json.WriteNumber("attention_factor", attention);
                break;
            case Llama3RopeScaling llama:
                json.WriteString("rope_type", "llama3");
                json.WriteNumber("factor", llama.Factor);
                json.WriteNumber("low_freq_factor", llama.LowFactor);
                json.WriteNumber("high_freq_factor", llama.HighFactor);
                json.WriteNumber("original_max_position_embeddings", llama.TrainedLength);
                break;
            case LongRopeScaling longer:
                json.WriteString("rope_type", "longrope");
                json.WriteNumber("factor", longer.Factor);
                WriteList(json, "short_factor", longer.ShortFactors);
                WriteList(json, "long_factor", longer.LongFactors);
                json.WriteNumber("original_max_position_embeddings", longer.TrainedLength);
                if (longer.AttentionFactor is { } given)
                    json.WriteNumber("attention_factor", given);
                break;
            case ProportionalRopeScaling proportional:
                json.WriteString("rope_type", "proportional");
                json.WriteNumber("partial_rotary_factor", proportional.Share);
                json.WriteNumber("factor", proportional.Factor);
                break;
            default:
                json.WriteString("rope_type", "default");
                break;
        }
    }

    private static RopeScaling Scaling(JsonSettings section, JsonSettings settings, int length, string name, double share)
    {
        string kind = section.Text("rope_type") ?? section.Text("type") ?? "default";
        // Some files keep the trained length outside.
        int trained = section.Integer("original_max_position_embeddings", settings.Integer("original_max_position_embeddings", length,
            most: 1 << 28), most: 1 << 28);
        double Factor() => section.Number("factor") is var factor && factor >= 1 ? factor
            : throw settings.Error($"\"{name}.factor\" must be at least 1, but it is {factor}");
        switch (kind)
        {
            case "default":
                return RopeScaling.None;
            case "linear":
                return new LinearRopeScaling(Factor());
            case "dynamic":
                return new DynamicNtkRopeScaling(Factor(), trained);
            case "llama3":
                return new Llama3RopeScaling(Factor(), section.Number("low_freq_factor"), section.Number("high_freq_factor"), trained);
            case "proportional":
                return new ProportionalRopeScaling(share, section.Number("factor", 1));
            case "yarn":
                double factor = Factor();
                double? attention = section.Has("attention_factor") ? section.Number("attention_factor") : null;
                double scale = section.Number("mscale", 0), all = section.Number("mscale_all_dim", 0);
                if (attention is null && scale != 0 && all != 0)
                    attention = YarnRopeScaling.MagnitudeOf(factor, scale) / YarnRopeScaling.MagnitudeOf(factor, all);
                return new YarnRopeScaling(factor, trained, section.Number("beta_fast", 32), section.Number("beta_slow", 1))
                {
                    AttentionFactor = attention,
                    WholePairs = section.Boolean("truncate", true),
                };
            case "longrope" or "su":
                return new LongRopeScaling([.. section.Numbers("short_factor")], [.. section.Numbers("long_factor")],
                    section.Number("factor", (double)length / trained), trained)
                {
                    AttentionFactor = section.Has("attention_factor") ? section.Number("attention_factor") : null,
                };
            default:
                throw settings.Error($"\"{name}\": the rope type '{kind}' is not supported; supported are {Kinds}");
        }
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<double> numbers)
    {
        json.WriteStartArray(name);
        foreach (double number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
