using Lemma.Checkpoints;
using Lemma.Training;

namespace Lemma.Planning;

/// <summary>What one step of training reads, and how it learns.</summary>
/// <param name="Batch">Sequences of a pass.</param>
/// <param name="Length">Tokens of each; of an encoder and a decoder, of source and target each.</param>
public sealed record StepShape(int Batch, int Length)
{
    // More than a tensor of any width could hold.
    private const int MostRows = 1 << 26;

    /// <summary>Passes whose gradients a step adds.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Whether blocks are made again in the backward (<see cref="TrainingOptions.RecomputesBlocks"/>).</summary>
    public bool RecomputesBlocks { get; init; }

    /// <summary>The optimizer.</summary>
    public OptimizerOptions Optimizer { get; init; } = new AdamWOptions();

    /// <summary>The adapter that learns beside the model, which stays as it is; null where the model learns.</summary>
    public AdapterConfig? Adapter { get; init; }

    /// <summary>Tokens of a step.</summary>
    public long Tokens => (long)Batch * Length * Accumulate;

    /// <summary>Checks every size; the error names the rule and the values.</summary>
    public void Validate()
    {
        Require.That(Batch > 0 && Length > 0 && Accumulate > 0, $"plan: sizes must be positive, but batch {Batch}, length {Length}, passes of a step {Accumulate}");
        Require.That((long)Batch * Length <= MostRows, $"plan: a pass of {Batch} sequences of {Length} tokens has more than {MostRows} rows");
        ArgumentNullException.ThrowIfNull(Optimizer);
        Optimizer.Validate();
    }
}
