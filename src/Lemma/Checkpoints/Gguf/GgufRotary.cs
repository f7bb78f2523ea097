using System.Text.Json;
using Lemma.Formulas;

namespace Lemma.Checkpoints;

/// <summary>Rotary positions among a GGUF's values: the base, how many columns turn, and how the frequencies are scaled.</summary>
/// <remarks>
/// Llama 3's scaling, and any other by factors of each pair, stands in a tensor of factors. Where the factors are those of Llama 3.1 or 3.2 it is read as
/// such, otherwise as LongRoPE with one list for all lengths.
/// </remarks>
internal static class GgufRotary
{
    // Llama 3's own numbers, which the format has no values for: the factor, that of low and of high frequencies, and the trained length.
    private const string Llama3Name = "lemma.rope.llama3";

    private const string Factors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";
    private const float Tolerance = 1e-5f;

    // Of Llama 3.1 and 3.2; the factor is the largest of the list.
    private const int TrainedLength = 8192;
    private const double LowFactor = 1, HighFactor = 4;

    /// <summary>Reads or writes them.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="section">The part of <c>rope_parameters</c> that is meant, where it has several.</param>
    /// <param name="width">The field of the width that turns where not the whole head does, when written.</param>
    public static void Describe(GgufFields fields, string? section = null, Func<JsonElement, int>? width = null)
    {
        fields.Ask("rope.freq_base", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length",
            "rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
            "rope.scaling.yarn_truncate", "rope.scaling.yarn_log_multiplier", "rope.scale_linear");
        if (fields.Facts is { } facts)
            Read(fields, facts, width is null ? GgufLlama.HeadWidthOf(facts) : facts.Whole("rope.dimension_count") ?? 0);
        else
            Write(fields, section, width?.Invoke(fields.Config) ?? HeadWidthOf(fields.Config));
    }

    private static int HeadWidthOf(JsonElement config) => config.TryGetProperty("head_dim", out JsonElement width) ? width.GetInt32()
        : config.GetProperty("hidden_size").GetInt32() / config.GetProperty("num_attention_heads").GetInt32();

    private static void Read(GgufFields fields, GgufFacts facts, long headWidth)
    {
        double theta = facts.Number("rope.freq_base") is { } number ? Shortest(number) : 10000;
        if (!(theta > 1 && double.IsFinite(theta)))
            throw facts.Error($"the value {facts.Architecture}.rope.freq_base must be above 1 and finite, but is {theta}");
        fields.Json.WriteNumber("rope_theta", theta);
        long turning = facts.Whole("rope.dimension_count") ?? headWidth;
        if (headWidth > 0)
            fields.Json.WriteNumber("partial_rotary_factor", (double)turning / headWidth);
        string kind = facts.Text("rope.scaling.type") ?? (facts.Number("rope.scale_linear") is { } scale && Shortest(scale) != 1 ? "linear" : "none");
        if (kind == "longrope" || facts.Has(LongFactors) || facts.Has(Factors))
            ReadFactors(fields, facts, theta, turning);
        else if (kind == "linear" && Shortest(facts.Number("rope.scaling.factor") ?? facts.Number("rope.scale_linear") ?? 1) is > 1 and var factor)
        {
            fields.Json.WriteStartObject("rope_scaling");
            fields.Json.WriteString("rope_type", "linear");
            fields.Json.WriteNumber("factor", factor);
            fields.Json.WriteEndObject();
        }
        else if (kind == "yarn")
            ReadYarn(fields, facts);
        else if (kind is not ("none" or "linear"))
            throw facts.Error($"the rope scaling '{kind}' is not known; known are none, linear, yarn, longrope");
    }

    private static void ReadYarn(GgufFields fields, GgufFacts facts)
    {
        Utf8JsonWriter json = fields.Json;
        json.WriteStartObject("rope_scaling");
        json.WriteString("rope_type", "yarn");
        fields.WriteNumber("factor", facts.Number("rope.scaling.factor") ?? throw facts.Error("yarn needs rope.scaling.factor"));
        if (facts.Whole("rope.scaling.original_context_length") is { } trained)
            json.WriteNumber("original_max_position_embeddings", trained);
        foreach ((string key, string field) in ((string, string)[])[("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow"),
            ("yarn_attn_factor", "attention_factor")])
        {
            if (facts.Number($"rope.scaling.{key}") is { } number)
                fields.WriteNumber(field, number);
        }
        if (facts.Flag("rope.scaling.yarn_truncate") is { } isWhole)
            json.WriteBoolean("truncate", isWhole);
        // A tenth of what the family's config says.
        if (facts.Number("rope.scaling.yarn_log_multiplier") is { } multiplier)
        {
            double all = Math.Round(10 * Shortest(multiplier), 6);
            json.WriteNumber("mscale", all);
            json.WriteNumber("mscale_all_dim", all);
        }
        json.WriteEndObject();
    }

    private static void ReadFactors(GgufFields fields, GgufFacts facts, double theta, long turning)
    {
        bool isLong = facts.Has(LongFactors);
        if (!isLong && !facts.Has(Factors))
            throw facts.Error($"the rope scaling longrope needs the tensors {LongFactors} and {ShortFactors}, but they are not there");
        if (isLong && !facts.Has(ShortFactors))
            throw facts.Error($"beside the tensor {LongFactors} there must be {ShortFactors}, but there is not");
        float[] factors = facts.Read(isLong ? LongFactors : Factors), shorter = isLong ? facts.Read(ShortFactors) : factors;
        foreach (float[] list in (float[][])[factors, shorter])
        {
            if (list.Length != turning / 2 || list.Any(factor => !(factor > 0 && float.IsFinite(factor))))
                throw facts.Error($"there must be {turning / 2} factors of the frequencies, positive and finite, but there are {list.Length}");
        }
        Utf8JsonWriter json = fields.Json;
        json.WriteStartObject("rope_scaling");
        if (!isLong && Llama3Of(facts, factors, theta) is { } llama3)
        {
            json.WriteString("rope_type", "llama3");
            json.WriteNumber("factor", llama3.Factor);
            json.WriteNumber("low_freq_factor", llama3.LowFactor);
            json.WriteNumber("high_freq_factor", llama3.HighFactor);
            json.WriteNumber("original_max_position_embeddings", llama3.TrainedLength);
        }
        else
        {
            json.WriteString("rope_type", "longrope");
            foreach ((string field, float[] list) in ((string, float[])[])[("short_factor", shorter), ("long_factor", factors)])
            {
                json.WriteStartArray(field);
                foreach (float factor in list)
                    json.WriteNumberValue(factor);
                json.WriteEndArray();
            }
            long longest = facts.Whole("context_length") ?? 0, trained = facts.Whole("rope.scaling.original_context_length") ?? longest;
            json.WriteNumber("original_max_position_embeddings", trained);
            json.WriteNumber("factor", Math.Max(1, (double)longest / Math.Max(1, trained)));
            if (facts.Number("rope.scaling.attn_factor") is { } attention)
                fields.WriteNumber("attention_factor", attention);
            else if (!isLong)
                json.WriteNumber("attention_factor", 1);
        }
        json.WriteEndObject();
    }

    // The scaling that gives the factors: that which the file names, or that of the published models.
    private static Llama3RopeScaling? Llama3Of(GgufFacts facts, float[] factors, double theta)
    {
        Llama3RopeScaling scaling = facts.Values.GetValueOrDefault(Llama3Name) is float[] and [>= 1 and var factor, >= 0 and var low, var high,
            >= 1 and < 1 << 28 and var trained] && high > low ? new(Shortest(factor), Shortest(low), Shortest(high), (int)trained)
            : new(factors.Max(), LowFactor, HighFactor, TrainedLength);
        float[] expected = FactorsOf(scaling, 2 * factors.Length, theta);
        return factors.Max() > 1 && factors.Zip(expected, (one, other) => Math.Abs(one - other) <= Tolerance * other).All(isNear => isNear) ? scaling : null;
    }

    private static float[] FactorsOf(RopeScaling scaling, int width, double theta) =>
        [.. RopeScaling.None.Frequencies(width, theta, 1).Zip(scaling.Frequencies(width, theta, 1), (plain, scaled) => (float)(plain / scaled))];

    private static void Write(GgufFields fields, string? section, int headWidth)
    {
        JsonElement parameters = fields.Config.GetProperty("rope_parameters");
        if (section is not null)
            parameters = parameters.GetProperty(section);
        double theta = parameters.GetProperty("rope_theta").GetDouble();
        double share = parameters.TryGetProperty("partial_rotary_factor", out JsonElement given) ? given.GetDouble() : 1;
        int turning = (int)Math.Round(share * headWidth);
        fields.Write("rope.freq_base", (float)theta);
        fields.Write("rope.dimension_count", (uint)turning);
        string kind = parameters.GetProperty("rope_type").GetString()!;
        double Value(string name) => parameters.GetProperty(name).GetDouble();
        switch (kind)
        {
            case "default":
                return;
            case "linear":
                fields.Write("rope.scaling.type", "linear");
                fields.Write("rope.scaling.factor", (float)Value("factor"));
                return;
            case "yarn":
                fields.Write("rope.scaling.type", "yarn");
                fields.Write("rope.scaling.factor", (float)Value("factor"));
                fields.Write("rope.scaling.original_context_length", (uint)Value("original_max_position_embeddings"));
                fields.Write("rope.scaling.yarn_beta_fast", (float)Value("beta_fast"));
                fields.Write("rope.scaling.yarn_beta_slow", (float)Value("beta_slow"));
                if (parameters.TryGetProperty("truncate", out JsonElement truncates) && !truncates.GetBoolean())
                    fields.Write("rope.scaling.yarn_truncate", false);
                if (parameters.TryGetProperty("attention_factor", out JsonElement attention))
                    fields.Write("rope.scaling.yarn_attn_factor", (float)attention.GetDouble());
                return;
            case "llama3":
                Llama3RopeScaling llama3 = new(Value("factor"), Value("low_freq_factor"), Value("high_freq_factor"), (int)Value("original_max_position_embeddings"));
                float[] numbers = [(float)llama3.Factor, (float)llama3.LowFactor, (float)llama3.HighFactor, llama3.TrainedLength];
                fields.WriteOther(Llama3Name, numbers);
                fields.WriteTensor(Factors, FactorsOf(llama3, turning, theta));
                return;
            case "longrope":
                WriteFactors(fields, parameters);
                return;
            default:
                throw new ArgumentException($"gguf: a file says the rope scalings linear, yarn, llama3 and longrope, but the model has '{kind}'");
        }
    }

    private static void WriteFactors(GgufFields fields, JsonElement parameters)
    {
        float[] Numbers(string name) => [.. parameters.GetProperty(name).EnumerateArray().Select(number => (float)number.GetDouble())];
        (float[] shorter, float[] longer) = (Numbers("short_factor"), Numbers("long_factor"));
        double factor = parameters.GetProperty("factor").GetDouble(), trained = parameters.GetProperty("original_max_position_embeddings").GetDouble();
        double attention = parameters.TryGetProperty("attention_factor", out JsonElement given) ? given.GetDouble()
            : new LongRopeScaling([], [], factor, (int)trained).Magnitude;
        if (attention == 1 && shorter.SequenceEqual(longer))
        {
            fields.WriteTensor(Factors, longer);
            return;
        }
        fields.Write("rope.scaling.type", "longrope");
        fields.Write("rope.scaling.original_context_length", (uint)trained);
        fields.Write("rope.scaling.attn_factor", (float)attention);
        fields.WriteTensor(LongFactors, longer);
        fields.WriteTensor(ShortFactors, shorter);
    }

    // 0.1 of single precision is a tenth.
    private static double Shortest(object number) => number is float single
        ? double.Parse(single.ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture)
        : Convert.ToDouble(number, System.Globalization.CultureInfo.InvariantCulture);
}
