using Lemma.Formulas;

namespace Lemma.Decoding;

/// <summary>The steps of one text with what they remember of it.</summary>
internal sealed class StepChain
{
    private readonly IReadOnlyList<LogitStep>? steps;
    private readonly Philox random;
    private readonly double[] memory;

    /// <summary>Steps at the beginning of a text; null for the likeliest id, always.</summary>
    public StepChain(IReadOnlyList<LogitStep>? steps, ulong seed)
    {
        (this.steps, random) = (steps, new Philox(seed));
        memory = new double[steps?.Sum(step => step.MemorySize()) ?? 0];
        int at = 0;
        foreach (LogitStep step in steps ?? [])
        {
            step.Begin(memory.AsSpan(at, step.MemorySize()));
            at += step.MemorySize();
        }
    }

    /// <summary>The id that comes next.</summary>
    public int Choose(Candidates candidates, ReadOnlySpan<int> ids, int promptLength, int number)
    {
        if (steps is null)
            return candidates.Largest();
        int at = 0;
        for (int i = 0; i < steps.Count; i++)
        {
            LogitStep step = steps[i];
            // Draws themselves take the seed's own numbers.
            step.Apply(candidates, new DrawContext(ids, promptLength, number, random.Split((ulong)i), memory.AsSpan(at, step.MemorySize())));
            at += step.MemorySize();
        }
        int id = candidates.Draw(random, (ulong)number, out double probability);
        at = 0;
        for (int i = 0; i < steps.Count; i++)
        {
            steps[i].Drawn(probability, memory.AsSpan(at, steps[i].MemorySize()));
            at += steps[i].MemorySize();
        }
        return id;
    }
}
