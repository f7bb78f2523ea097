namespace Lemma.Decoding;

/// <summary>One step of choosing the next id: it changes logits or forgets candidates.</summary>
public abstract record LogitStep
{
    /// <summary>Changes the candidates in place.</summary>
    public abstract void Apply(Candidates candidates);
}
