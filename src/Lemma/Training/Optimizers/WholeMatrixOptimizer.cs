using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>An optimizer that steps some parameters as whole matrices, each by one thread, and the others by pieces.</summary>
public abstract class WholeMatrixOptimizer : Optimizer
{
    private readonly Workers workers;
    private readonly Piece[] wholes, others;

    private protected WholeMatrixOptimizer(Parameters parameters, Workers workers, OptimizerOptions options, int moments)
        : base(parameters, workers, options, moments)
    {
        this.workers = workers;
        // The largest first: what is left for the end is small.
        wholes = [.. Pieces.GroupBy(piece => piece.Parameter).Where(group => TakesWhole(group.Key))
            .Select(group => group.First() with { Count = checked((int)group.Key.Count) }).OrderByDescending(whole => whole.Count)];
        others = [.. Pieces.Where(piece => !TakesWhole(piece.Parameter))];
    }

    /// <summary>The parameters that are stepped as a whole, in the order in which threads take them.</summary>
    private protected IEnumerable<Parameter> Wholes => wholes.Select(whole => whole.Parameter);

    /// <summary>Whether a parameter is stepped as a whole; asked by the constructor.</summary>
    private protected abstract bool TakesWhole(Parameter parameter);

    /// <summary>The step of a whole parameter; several run at once.</summary>
    private protected abstract void UpdateWhole(in Piece whole, double learningRate, float gradientScale);

    private protected override void Update(double learningRate, float gradientScale) =>
        workers.Run(wholes.Length + others.Length, (Optimizer: this, learningRate, gradientScale), static (in s, index) =>
        {
            bool isWhole = index < s.Optimizer.wholes.Length;
            Piece piece = isWhole ? s.Optimizer.wholes[index] : s.Optimizer.others[index - s.Optimizer.wholes.Length];
            double rate = s.learningRate * piece.RateScale * piece.Parameter.RateScale;
            if (isWhole)
                s.Optimizer.UpdateWhole(piece, rate, s.gradientScale);
            else
                s.Optimizer.Update(piece, rate, s.gradientScale);
            if (piece.Parameter.Bounds is { } bounds)
                TensorPrimitives.Clamp(s.Optimizer.WeightsOf(piece), bounds.Least, bounds.Most, s.Optimizer.WeightsOf(piece));
        });
}
