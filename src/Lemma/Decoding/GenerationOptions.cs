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

    /// <summary>Draws with the usual order, top-k → top-p → temperature; a temperature of 0 is greedy.</summary>
    public static GenerationOptions Sample(double temperature = 1, int? topK = null, double? topP = null)
    {
        if (temperature == 0)
            return Greedy;
        List<LogitStep> steps = [];
        if (topK is { } k)
            steps.Add(new TopK(k));
        if (topP is { } p)
            steps.Add(new TopP(p));
        if (temperature != 1)
            steps.Add(new Temperature(temperature));
        return new GenerationOptions { Steps = steps };
    }
}
