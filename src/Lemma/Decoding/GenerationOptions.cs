namespace Lemma.Decoding;

/// <summary>How a text is continued.</summary>
public sealed record GenerationOptions
{
    /// <summary>The likeliest id, always.</summary>
    public static GenerationOptions Greedy { get; } = new();

    /// <summary>The steps before an id is drawn, in order; null to take the likeliest id instead of drawing one.</summary>
    public IReadOnlyList<LogitStep>? Steps { get; init; }

    /// <summary>The most ids to add.</summary>
    public int MaximumTokens { get; init; } = 200;

    /// <summary>The seed of the draws: one seed, one text.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Ids that end the text and are not returned; null for those of the model, none for an empty list.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>Texts that end the text and are not returned; ids alone do not show them, so a <see cref="TextStream"/> is read.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>How many of the likeliest ids are told with their log-probabilities beside that of the chosen id; null to tell none at all.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>Draws with the given steps in the usual order; a temperature of 0 takes the likeliest id that they leave.</summary>
    /// <remarks>
    /// Bias, then repetition, presence and frequency penalties, then n-grams; then what is kept: top-k, typical, top-p, min-p; then the temperature.
    /// </remarks>
    public static GenerationOptions Sample(double temperature = 1, int? topK = null, double? topP = null, double? minP = null, double? typical = null,
        double? repetitionPenalty = null, double? presencePenalty = null, double? frequencyPenalty = null, int? noRepeatNgram = null,
        IReadOnlyCollection<KeyValuePair<int, double>>? logitBias = null)
    {
        List<LogitStep> steps = [];
        if (logitBias is { Count: > 0 })
            steps.Add(new LogitBias(logitBias));
        if (repetitionPenalty is { } factor)
            steps.Add(new RepetitionPenalty(factor));
        if (presencePenalty is { } presence)
            steps.Add(new PresencePenalty(presence));
        if (frequencyPenalty is { } frequency)
            steps.Add(new FrequencyPenalty(frequency));
        if (noRepeatNgram is { } length)
            steps.Add(new NoRepeatNgrams(length));
        if (temperature == 0)
        {
            // What is kept always has the likeliest, so only what changes logits counts.
            return steps.Count == 0 ? Greedy : new GenerationOptions { Steps = [.. steps, new TopK(1)] };
        }
        if (topK is { } k)
            steps.Add(new TopK(k));
        if (typical is { } mass)
            steps.Add(new Typical(mass));
        if (topP is { } p)
            steps.Add(new TopP(p));
        if (minP is { } share)
            steps.Add(new MinP(share));
        if (temperature != 1)
            steps.Add(new Temperature(temperature));
        return new GenerationOptions { Steps = steps };
    }
}
