using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Server.Http;

namespace Lemma.Server;

/// <summary>How a request wants its texts made: the fields that OpenAI's APIs have in common, and those of llama.cpp and vLLM beside them.</summary>
internal static class Generation
{
    private const int MostStops = 16, MostLikeliest = 20;

    /// <summary>Texts that a request asks for.</summary>
    public static int Count(Fields fields, ServerState state) => fields.Whole("n", 1, state.Options.Batching.MostSequences) ?? 1;

    /// <summary>How many of the likeliest ids are told; null for none at all.</summary>
    public static int? Likeliest(Fields fields)
    {
        bool isAsked = fields.Flag("logprobs") ?? false;
        int? most = fields.Whole("top_logprobs", 0, MostLikeliest);
        if (most is not null && !isAsked)
            throw new ApiException(400, "'top_logprobs' needs 'logprobs' to be true.", "top_logprobs", "invalid_value");
        return isAsked ? most ?? 0 : null;
    }

    /// <summary>The rest of it, all but the most tokens and log-probabilities.</summary>
    public static GenerationOptions Read(Fields fields, ServedEngine engine, ServerState state)
    {
        double? temperature = fields.Number("temperature", 0, 2), topP = fields.Number("top_p", 0, 1), presence = fields.Number("presence_penalty", -2, 2),
            frequency = fields.Number("frequency_penalty", -2, 2), minP = fields.Number("min_p", 0, 1), typical = fields.Number("typical_p", 1e-9, 1),
            topNSigma = fields.Number("top_n_sigma", 0, 1000), repetition = fields.Number("repetition_penalty", 1e-9, 100);
        int? topK = TopK(fields), ngram = fields.Whole("no_repeat_ngram_size", 1);
        KeyValuePair<int, double>[]? bias = Bias(fields, engine.Writer!.Model.Tokenizer.VocabularySize);
        int[]? stopIds = StopIds(fields, engine);
        return GenerationOptions.Sample(temperature, topK, topP, minP, typical, repetition, presence, frequency, ngram, bias, topNSigma,
            own: engine.Writer.Model.Model.Sampling) with
        {
            Seed = fields.Long("seed") is { } seed ? unchecked((ulong)seed) : state.NextSeed(),
            StopTexts = Stops(fields, "stop"),
            StopIds = stopIds,
        };
    }

    /// <summary>How many of the likeliest ids are kept: -1 and 0 keep all, whatever the model's own number is.</summary>
    public static int? TopK(Fields fields) => fields.Whole("top_k", -1) is { } k ? k > 0 ? k : int.MaxValue : null;

    /// <summary>Texts to stop at.</summary>
    public static IReadOnlyList<string> Stops(Fields fields, string name)
    {
        IReadOnlyList<string> stops = fields.Texts(name, MostStops) ?? [];
        if (stops.Contains(""))
            throw new ApiException(400, $"'{fields.Name(name)}' must not have an empty text.", fields.Name(name), "invalid_value");
        return stops;
    }

    /// <summary>Fields that name a user or a cache and change no text.</summary>
    public static void AcceptLabels(Fields fields) => fields.Accept("user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention");

    /// <summary>Refuses a prompt that fills the longest text; ids that there is room for behind it.</summary>
    public static int Room(int[] prompt, ServedEngine engine, string param)
    {
        int longest = engine.Writer!.LongestText;
        return prompt.Length <= longest ? Math.Max(1, longest - prompt.Length) : throw new ApiException(400,
            $"This model's maximum context length is {longest} tokens. However, your {param} resulted in {prompt.Length} tokens. Please reduce its length.", param,
            "context_length_exceeded");
    }

    private static KeyValuePair<int, double>[]? Bias(Fields fields, int ids)
    {
        if (fields.Any("logit_bias") is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Object)
            throw Fields.Wrong(fields.Name("logit_bias"), "an object of token ids and numbers", value);
        List<KeyValuePair<int, double>> bias = [];
        foreach (JsonProperty one in value.EnumerateObject())
        {
            string name = $"{fields.Name("logit_bias")}.{one.Name}";
            if (!int.TryParse(one.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id >= ids)
                throw new ApiException(400, $"'{name}': the model has no such token id; there are {ids}.", fields.Name("logit_bias"), "invalid_value");
            if (one.Value.ValueKind != JsonValueKind.Number || !(one.Value.TryGetDouble(out double change) && change is >= -100 and <= 100))
                throw Fields.Wrong(name, "a number from -100 to 100", one.Value);
            bias.Add(new(id, change));
        }
        return bias.Count > 0 ? [.. bias] : null;
    }

    private static int[]? StopIds(Fields fields, ServedEngine engine)
    {
        bool ignores = fields.Flag("ignore_eos") ?? false;
        if (fields.Any("stop_token_ids") is not { } value)
            return ignores ? [] : null;
        if (value.ValueKind != JsonValueKind.Array)
            throw Fields.Wrong(fields.Name("stop_token_ids"), "an array of token ids", value);
        int[] own = Fields.Ids(value, fields.Name("stop_token_ids"));
        return ignores ? own : [.. engine.Writer!.Model.Decoder.EndIds, .. own];
    }
}
