using Lemma.Decoding;
using Lemma.Language;
using Lemma.Server.Http;

namespace Lemma.Server.Ollama;

/// <summary>The <c>options</c> of Ollama's API, with its defaults for what is drawn where the model has none.</summary>
internal static class OllamaOptions
{
    private const double UsualTemperature = 0.8, UsualTopP = 0.9;
    private const int UsualTopK = 40, UsualLast = 64;

    /// <summary>How a text is made; the most tokens are all that there is room for, or as many as are asked for.</summary>
    public static GenerationOptions Read(Fields request, ServedEngine engine, ServerState state, int room)
    {
        LanguageModel model = engine.Writer!.Model;
        (double temperature, int topK, double topP) =
            (model.Model.Sampling.Temperature ?? UsualTemperature, model.Model.Sampling.TopK ?? UsualTopK, model.Model.Sampling.TopP ?? UsualTopP);
        if (request.Any("options") is not { } value)
            return GenerationOptions.Sample(temperature, topK, topP, own: model.Model.Sampling) with { Seed = state.NextSeed(), MaximumTokens = room };
        Fields fields = new(value, "options.");
        double? repetition = fields.Number("repeat_penalty", 1e-9, 100);
        int last = fields.Whole("repeat_last_n", -1) ?? UsualLast, most = fields.Whole("num_predict", -2) ?? -1;
        GenerationOptions drawn = GenerationOptions.Sample(fields.Number("temperature", 0, 100) ?? temperature, Generation.TopK(fields) ?? topK,
            fields.Number("top_p", 0, 1) ?? topP, fields.Number("min_p", 0, 1), fields.Number("typical_p", 1e-9, 1), repetition is null ? null : 1,
            fields.Number("presence_penalty", -2, 2), fields.Number("frequency_penalty", -2, 2), own: model.Model.Sampling);
        if (repetition is { } factor && factor != 1 && last != 0)
        {
            // A temperature of 0 alone has no steps.
            drawn = drawn with { Steps = [new RepetitionPenalty(factor, last < 0 ? null : last), .. drawn.Steps ?? [new TopK(1)]] };
        }
        if (fields.Whole("num_ctx", 1) is { } context && context > engine.Writer.LongestText)
        {
            throw new ApiException(400, $"'options.num_ctx' is {context}, but the longest text of this model is {engine.Writer.LongestText}.", "options.num_ctx",
                "invalid_value");
        }
        GenerationOptions read = drawn with
        {
            Seed = fields.Long("seed") is { } seed ? unchecked((ulong)seed) : state.NextSeed(),
            StopTexts = Generation.Stops(fields, "stop"),
            MaximumTokens = most < 0 ? room : Math.Min(most, room),
        };
        // They are of a machine, and change no text.
        fields.Accept("num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "use_mmap", "use_mlock", "numa", "low_vram");
        fields.RefuseOthers();
        return read;
    }
}
