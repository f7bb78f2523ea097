namespace Lemma.Decoding;

/// <summary>z ← z + b for some ids; −∞ bans one.</summary>
/// <remarks>OpenAI's API, "logit_bias".</remarks>
public sealed record LogitBias : LogitStep
{
    /// <summary>Adds to ids of the vocabulary, each named once.</summary>
    public LogitBias(IEnumerable<KeyValuePair<int, double>> biases)
    {
        Biases = new ValueList<KeyValuePair<int, double>>(biases.OrderBy(bias => bias.Key));
        for (int i = 0; i < Biases.Count; i++)
        {
            (int id, double bias) = Biases[i];
            Require.That(id >= 0, $"logit_bias: an id must not be negative, but one is {id}");
            Require.That(bias < double.PositiveInfinity, $"logit_bias: a bias must be a number or −∞, but that of id {id} is {bias}");
            Require.That(i == 0 || id != Biases[i - 1].Key, $"logit_bias: an id has one bias, but id {id} has {Biases[int.Max(i - 1, 0)].Value} and {bias}");
        }
    }

    /// <summary>The ids and what is added to each, by rising id.</summary>
    public ValueList<KeyValuePair<int, double>> Biases { get; }

    /// <inheritdoc/>
    public override void Apply(Candidates candidates, in DrawContext context)
    {
        for (int i = 0; i < Biases.Count; i++)
        {
            (int id, double bias) = Biases[i];
            Require.That(id < candidates.VocabularySize, $"logit_bias: id {id} is not among the {candidates.VocabularySize} that may be drawn");
            candidates.Add(id, bias);
        }
    }
}
