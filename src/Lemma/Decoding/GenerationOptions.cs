using Lemma.Decoding.Constraints;
using Lemma.Models;

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

    /// <summary>Whether a text shows the special tokens in it, such as the marks of calls and thoughts; those that end it are never shown.</summary>
    public bool KeepsSpecialTokens { get; init; }

    /// <summary>What the text that is made must match as a whole; null for any text. Ids are chosen among those that go on in it.</summary>
    /// <remarks>
    /// It begins behind the prompt, and anew behind ids that <see cref="Generator.Continue"/> adds. A text that the most tokens cut off is a beginning.
    /// </remarks>
    public Constraint? Constraint { get; init; }

    /// <summary>What guesses the next ids of one text, so that a pass can check several; null to guess nothing. The text is the same.</summary>
    public Speculator? Speculator { get; init; }

    /// <summary>Draws with the given steps in the usual order; a temperature of 0 takes the likeliest id that they leave.</summary>
    /// <remarks>
    /// What is null is as the model's makers would have it, where their numbers are given. Bias, then repetition, presence and
    /// frequency penalties, n-grams and DRY; then what is kept: top-nσ, top-k, typical, top-p, min-p, XTC; then the temperature; Mirostat last.
    /// </remarks>
    /// <exception cref="ArgumentException">Mirostat, which keeps ids by itself, stands beside another step that keeps some.</exception>
    public static GenerationOptions Sample(double? temperature = null, int? topK = null, double? topP = null, double? minP = null, double? typical = null,
        double? repetitionPenalty = null, double? presencePenalty = null, double? frequencyPenalty = null, int? noRepeatNgram = null,
        IReadOnlyCollection<KeyValuePair<int, double>>? logitBias = null, double? topNSigma = null, Dry? dry = null, Xtc? xtc = null,
        Mirostat2? mirostat = null, SamplingDefaults? own = null)
    {
        // Of the model's numbers none stands beside Mirostat.
        SamplingDefaults usual = own ?? SamplingDefaults.None, kept = mirostat is null ? usual : SamplingDefaults.None;
        double divisor = temperature ?? usual.Temperature ?? 1;
        LogitStep?[] changing =
        [
            logitBias is { Count: > 0 } ? new LogitBias(logitBias) : null,
            (repetitionPenalty ?? usual.RepetitionPenalty) is { } factor ? new RepetitionPenalty(factor) : null,
            presencePenalty is { } presence ? new PresencePenalty(presence) : null,
            frequencyPenalty is { } frequency ? new FrequencyPenalty(frequency) : null,
            noRepeatNgram is { } length ? new NoRepeatNgrams(length) : null,
            dry,
        ];
        LogitStep?[] keeping =
        [
            topNSigma is { } deviations ? new TopNSigma(deviations) : null,
            (topK ?? kept.TopK) is { } k ? new TopK(k) : null,
            (typical ?? kept.Typical) is { } mass ? new Typical(mass) : null,
            (topP ?? kept.TopP) is { } p ? new TopP(p) : null,
            (minP ?? kept.MinP) is { } share ? new MinP(share) : null,
            xtc,
        ];
        LogitStep? beside = mirostat is null ? null : Array.Find(keeping, step => step is not null);
        Require.That(beside is null, $"generation: mirostat keeps ids by itself, so nothing else keeps some, but {beside?.GetType().Name} does");
        // What is kept always has the likeliest, but for XTC, which forgets it.
        LogitStep?[] steps = divisor == 0 ? [.. changing, .. xtc is null ? [] : keeping, new TopK(1)]
            : [.. changing, .. keeping, divisor == 1 ? null : new Temperature(divisor), mirostat];
        LogitStep[] taken = [.. steps.OfType<LogitStep>()];
        return divisor == 0 && taken.Length == 1 ? Greedy : new GenerationOptions { Steps = taken };
    }
}
