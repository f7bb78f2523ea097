namespace Lemma.Decoding;

/// <summary>z ← z − α for every id that was made.</summary>
/// <remarks>OpenAI's API, "presence_penalty": the ids of the prompt do not count.</remarks>
public sealed record PresencePenalty : LogitStep
{
    /// <summary>A penalty; below 0 it favours.</summary>
    public PresencePenalty(double value)
    {
        Require.That(double.IsFinite(value), $"presence_penalty: it must be a number, but it is {value}");
        Value = value;
    }

    /// <summary>α.</summary>
    public double Value { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        IdCounts made = candidates.NewCounts();
        foreach (int id in context.Made)
            made.Raise(id, 1);
        foreach (int id in made.Members)
            candidates.Add(id, -Value);
    }
}
