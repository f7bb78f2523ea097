namespace Lemma.Decoding;

/// <summary>One step of choosing the next id: it changes logits or forgets candidates.</summary>
/// <remarks>
/// A step is immutable and serves any number of texts at once; what it must remember of a text are numbers that belong to the text
/// (<see cref="DrawContext.Memory"/>).
/// </remarks>
public abstract record LogitStep
{
    /// <summary>Changes the candidates in place.</summary>
    public abstract void Apply(Candidates candidates, in DrawContext context);

    /// <summary>How many numbers the step remembers of a text.</summary>
    public virtual int MemorySize() => 0;

    /// <summary>What is remembered of a text that begins; it comes as 0.</summary>
    public virtual void Begin(Span<double> memory) { }

    /// <summary>Learns the probability that the drawn id had when it was drawn.</summary>
    public virtual void Drawn(double probability, Span<double> memory) { }
}
