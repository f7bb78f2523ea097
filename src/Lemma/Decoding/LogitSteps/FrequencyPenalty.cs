namespace Lemma.Decoding;

/// <summary>z ← z − α·c for every id that was made c times.</summary>
/// <remarks>OpenAI's API, "frequency_penalty": the ids of the prompt do not count.</remarks>
public sealed record FrequencyPenalty : LogitStep
{
    /// <summary>A penalty; below 0 it favours.</summary>
    public FrequencyPenalty(double value)
    {
        Require.That(double.IsFinite(value), $"frequency_penalty: it must be a number, but it is {value}");
        Value = value;
    }

    /// <summary>α.</summary>
    public double Value { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        IdCounts made = candidates.NewCounts();
        foreach (int id in context.Made)
            made.Add(id);
        foreach (int id in made.Members)
            candidates.Add(id, -Value * made[id]);
    }
}
