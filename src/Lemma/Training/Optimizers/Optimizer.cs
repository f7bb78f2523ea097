using System.IO.Enumeration;
using System.Numerics.Tensors;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Training;

/// <summary>Steps parameters by their gradients: one pass for the norm of the whole gradient, one that clips and steps.</summary>
/// <remarks>Work is split into pieces that depend on the shapes alone, and sums of pieces are added in order: the bits are those of any number of threads.</remarks>
public abstract unsafe class Optimizer
{
    private const long ElementsAPiece = 1 << 17;
    private readonly Workers workers;
    private readonly OptimizerOptions options;
    private readonly Piece[] pieces;
    private readonly double[] sums;

    private protected Optimizer(Parameters parameters, Workers workers, OptimizerOptions options, int moments)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        options.Validate();
        (Parameters, this.workers, this.options) = (parameters, workers, options);
        parameters.AllocateTrainingState(moments);
        Dictionary<ParameterRule, bool> used = options.Rules.ToDictionary(rule => rule, _ => false);
        List<Piece> list = [];
        foreach (Parameter parameter in parameters.All.Where(parameter => parameter.Learns))
        {
            ParameterRule? rule = options.Rules.FirstOrDefault(rule => FileSystemName.MatchesSimpleExpression(rule.Pattern, parameter.Name, ignoreCase: false));
            if (rule is not null)
                used[rule] = true;
            bool decays = rule?.Decays ?? (parameter.Decays || options.DecayAll);
            for (long first = 0; first < parameter.Count; first += ElementsAPiece)
            {
                list.Add(new Piece(parameter, parameter.Offset + first, (int)Math.Min(ElementsAPiece, parameter.Count - first),
                    (float)(rule?.RateScale ?? 1), decays ? options.WeightDecay : 0));
            }
        }
        foreach ((ParameterRule rule, bool isUsed) in used)
            Require.That(isUsed, $"optimizer: no parameter that learns has a name like '{rule.Pattern}'");
        pieces = [.. list];
        sums = new double[pieces.Length];
    }

    /// <summary>What it steps.</summary>
    public Parameters Parameters { get; }

    /// <summary>Steps taken.</summary>
    public long StepsTaken { get; set; }

    /// <summary>What it keeps from step to step, for a checkpoint.</summary>
    public abstract IEnumerable<StateTensor> State { get; }

    /// <summary>Updates the weights from the gradients and forgets these. Returns the norm of the gradient before clipping.</summary>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="gradientScale">What gradients are multiplied with first, such as 1/(the weight of a loss).</param>
    /// <exception cref="ArithmeticException">The norm is not finite; the weights are untouched.</exception>
    public double Step(double learningRate, double gradientScale = 1)
    {
        double norm = Norm() * gradientScale;
        if (!double.IsFinite(norm))
            throw new ArithmeticException($"optimizer: the norm of the gradient is {norm} in step {StepsTaken + 1}; {FirstNotFinite()}");
        StepsTaken++;
        float clip = options.Clip > 0 ? GradientNorm.ClipFactor(norm, options.Clip) : 1;
        Update(learningRate, (float)(clip * gradientScale));
        Parameters.ForgetGradients();
        return norm;
    }

    /// <summary>‖g‖₂ over all that learns.</summary>
    public double Norm()
    {
        foreach (Parameter parameter in Parameters.All)
            Parameters.Gradients(parameter);
        workers.Run(pieces.Length, this, static (in optimizer, index) =>
            optimizer.sums[index] = GradientNorm.SumOfSquares(optimizer.GradientsOf(optimizer.pieces[index])));
        double total = 0;
        foreach (double sum in sums)
            total += sum;
        return Math.Sqrt(total);
    }

    /// <summary>The step of <see cref="StepsTaken"/>, from 1; every gradient is there.</summary>
    private protected virtual void Update(double learningRate, float gradientScale) =>
        workers.Run(pieces.Length, (Optimizer: this, learningRate, gradientScale), static (in s, index) =>
        {
            Piece piece = s.Optimizer.pieces[index];
            s.Optimizer.Update(piece, s.learningRate * piece.RateScale * piece.Parameter.RateScale, s.gradientScale);
            if (piece.Parameter.Bounds is { } bounds)
                TensorPrimitives.Clamp(s.Optimizer.WeightsOf(piece), bounds.Least, bounds.Most, s.Optimizer.WeightsOf(piece));
        });

    /// <summary>The step of one piece; several run at once.</summary>
    private protected abstract void Update(in Piece piece, double learningRate, float gradientScale);

    /// <summary>The first moments of all parameters, for <see cref="State"/>.</summary>
    private protected IEnumerable<StateTensor> FirstMoments =>
        Parameters.All.Select(parameter => StateTensor.Like("first_moment", parameter, () => Parameters.FirstMoments(parameter)));

    /// <summary>The second moments of some parameters.</summary>
    private protected IEnumerable<StateTensor> SecondMoments(Func<Parameter, bool> of) => Parameters.All.Where(of)
        .Select(parameter => StateTensor.Like("second_moment", parameter, () => Parameters.SecondMoments(parameter)));

    /// <summary>The pieces, in order.</summary>
    private protected IReadOnlyList<Piece> Pieces => pieces;

    /// <summary>The gradients of a piece, multiplied in their place.</summary>
    private protected Span<float> ScaledGradientsOf(in Piece piece, float scale)
    {
        Span<float> gradients = GradientsOf(piece);
        if (scale != 1)
            TensorPrimitives.Multiply(gradients, scale, gradients);
        return gradients;
    }

    /// <summary>θ −= η·λ·θ.</summary>
    private protected void Decay(in Piece piece, double learningRate)
    {
        if (piece.Decay != 0)
            TensorPrimitives.Multiply(WeightsOf(piece), (float)(1 - learningRate * piece.Decay), WeightsOf(piece));
    }

    private protected Span<float> WeightsOf(in Piece piece) => new(Parameters.WeightsPointer + piece.Offset, piece.Count);

    private protected Span<float> GradientsOf(in Piece piece) => new(Parameters.GradientsPointer + piece.Offset, piece.Count);

    private protected Span<float> FirstOf(in Piece piece) => new(Parameters.FirstPointer + piece.Offset, piece.Count);

    private protected Span<float> SecondOf(in Piece piece) => new(Parameters.SecondPointer + piece.Offset, piece.Count);

    private string FirstNotFinite()
    {
        foreach (Parameter parameter in Parameters.All)
        {
            Span<float> gradient = Parameters.Gradients(parameter);
            for (int i = 0; i < gradient.Length; i++)
            {
                if (!float.IsFinite(gradient[i]))
                    return $"the first gradient that is not finite is {gradient[i]} at element {i} of '{parameter.Name}'";
            }
        }
        return "every single gradient is finite, but their squares are not";
    }

    /// <summary>A run of elements of one parameter.</summary>
    /// <param name="Parameter">The parameter.</param>
    /// <param name="Offset">Where the run begins in each block.</param>
    /// <param name="Count">Its elements.</param>
    /// <param name="RateScale">What the learning rate is multiplied with by a rule.</param>
    /// <param name="Decay">λ of these elements.</param>
    private protected readonly record struct Piece(Parameter Parameter, long Offset, int Count, float RateScale, float Decay);
}
