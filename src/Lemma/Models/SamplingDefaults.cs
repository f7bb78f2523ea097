namespace Lemma.Models;

/// <summary>How the makers of a model would have its texts drawn where nobody says otherwise; what is null they do not say.</summary>
/// <remarks>
/// Of a folder, <c>generation_config.json</c> with the names of transformers: <c>temperature</c>, <c>top_k</c>, <c>top_p</c>, <c>min_p</c>,
/// <c>typical_p</c> and <c>repetition_penalty</c>; <c>do_sample</c> false is a temperature of 0. Of a GGUF file, its values <c>general.sampling.*</c>.
/// </remarks>
public sealed record SamplingDefaults
{
    /// <summary>Nothing is said, so draws are free.</summary>
    public static SamplingDefaults None { get; } = new();

    /// <summary>What logits are divided by; 0 takes the likeliest id.</summary>
    public double? Temperature { get; init; }

    /// <summary>How many of the likeliest ids are kept.</summary>
    public int? TopK { get; init; }

    /// <summary>The probability that the kept ids reach together.</summary>
    public double? TopP { get; init; }

    /// <summary>The share of the likeliest id's probability that kept ids have.</summary>
    public double? MinP { get; init; }

    /// <summary>The probability that ids of usual surprise reach together.</summary>
    public double? Typical { get; init; }

    /// <summary>What logits of ids that were there are divided by.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Refuses numbers out of range and takes out those that change nothing.</summary>
    internal SamplingDefaults Checked(string path)
    {
        Check("temperature", Temperature, Temperature is null or >= 0, "at least 0");
        Check("top_k", TopK, TopK is null or >= -1, "at least -1");
        Check("top_p", TopP, TopP is null or (>= 0 and <= 1), "in [0, 1]");
        Check("min_p", MinP, MinP is null or (>= 0 and <= 1), "in [0, 1]");
        Check("typical_p", Typical, Typical is null or (> 0 and <= 1), "in (0, 1]");
        Check("repetition_penalty", RepetitionPenalty, RepetitionPenalty is null or > 0, "positive");
        return new SamplingDefaults
        {
            Temperature = Temperature,
            TopK = TopK is > 0 ? TopK : null,
            TopP = TopP is < 1 ? TopP : null,
            MinP = MinP is > 0 ? MinP : null,
            Typical = Typical is < 1 ? Typical : null,
            RepetitionPenalty = RepetitionPenalty == 1 ? null : RepetitionPenalty,
        };

        void Check(string name, object? value, bool holds, string rule)
        {
            if (!holds)
                throw new InvalidDataException(FormattableString.Invariant($"{path}: \"{name}\" must be {rule}, but it is {value}"));
        }
    }
}
