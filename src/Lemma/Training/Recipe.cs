using Lemma.Checkpoints;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>What a run learns from, what it minimizes and how it is judged; the <see cref="TrainingLoop"/> does the rest.</summary>
/// <remarks>
/// A pass is a pure function of its number, of the weights and of what <see cref="BeforeStep"/> made of them: so a run that goes on from a checkpoint
/// has the bits of one that never stopped.
/// </remarks>
public abstract class Recipe
{
    /// <summary>What errors and checkpoints call it: "pretraining", "sft".</summary>
    public abstract string Name { get; }

    /// <summary>The model whose forward pass is run.</summary>
    public abstract Model Model { get; }

    /// <summary>What the optimizer steps: the model's weights, or those of an adapter beside it.</summary>
    public virtual Parameters Learning => Model.Parameters.Adapter?.Parameters ?? Model.Parameters;

    /// <summary>Tokens read by passes so far in this process.</summary>
    public long TokensRead { get; protected set; }

    /// <summary>Numbers of the last step beside its loss: rewards, divergence.</summary>
    public virtual IReadOnlyList<Metric> Metrics => [];

    /// <summary>Where in the data a number of passes ends.</summary>
    public abstract DataPlace PlaceAfter(long passes);

    /// <summary>What must be there before the passes of a step: rollouts, say. Nothing is recorded on the tape.</summary>
    public virtual void BeforeStep(Tape tape, long step) { }

    /// <summary>The forward pass of a number, from 0: the sum of the loss's terms and their weight.</summary>
    /// <param name="tape">The tape, which records.</param>
    /// <param name="number">Which pass of the whole run.</param>
    /// <param name="random">The generator of this pass.</param>
    public abstract LossPart Pass(Tape tape, long number, Philox random);

    /// <summary>What changes with a step beside the model: a critic.</summary>
    public virtual void AfterStep(long step) { }

    /// <summary>Judges the model by what it does not learn from; the tape does not record.</summary>
    public abstract Score Judge(Tape tape);

    /// <summary>Writes what was learned into a checkpoint's folder that is being built.</summary>
    public virtual void WriteInto(string folder) => ModelFolder.WriteInto(folder, Model);

    /// <summary>Writes what further passes need beside the weights: rollouts that are not read yet.</summary>
    public virtual void WriteState(string folder) { }

    /// <summary>Reads what <see cref="WriteState"/> wrote, before the pass of a number.</summary>
    public virtual void ReadState(string folder, long passes) { }
}

/// <summary>A number with a name, as it stands in <c>metrics.jsonl</c>.</summary>
public readonly record struct Metric(string Name, double Value);

/// <summary>What an evaluation came to.</summary>
/// <param name="Name">What it is, as in <c>metrics.jsonl</c>: "validation_loss".</param>
/// <param name="Value">The number that checkpoints are compared by.</param>
/// <param name="IsHigherBetter">Whether more is better: a reward, not a loss.</param>
/// <param name="Others">Further numbers of the evaluation.</param>
public sealed record Score(string Name, double Value, bool IsHigherBetter = false, params IReadOnlyList<Metric> Others)
{
    /// <summary>Whether it is better than a value of its kind.</summary>
    public bool IsBetterThan(double other) => IsHigherBetter ? Value > other : Value < other;
}

/// <summary>A place in the data.</summary>
/// <param name="Epoch">The pass over the data, from 0.</param>
/// <param name="Position">What of it was read.</param>
/// <param name="Length">What an epoch has.</param>
public readonly record struct DataPlace(long Epoch, long Position, long Length)
{
    /// <summary>Passes over the data, in fractions.</summary>
    public double Epochs => Epoch + (double)Position / Length;

    /// <summary>The place behind a number of examples.</summary>
    public static DataPlace After(long examples, long length)
    {
        (long epoch, long position) = Math.DivRem(examples, length);
        return new DataPlace(epoch, position, length);
    }
}
