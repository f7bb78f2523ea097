using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Planning;

/// <summary>The operations of one part in one step: 2 for each multiplication and addition of a matrix product.</summary>
/// <param name="Part">The part.</param>
/// <param name="Forward">Of the forward.</param>
/// <param name="Backward">Of the backward.</param>
/// <param name="Recomputation">Of what the backward makes again since it was not kept.</param>
public readonly record struct PartOperations(ModelPart Part, double Forward, double Backward, double Recomputation)
{
    /// <summary>All three.</summary>
    public double Total => Forward + Backward + Recomputation;
}

/// <summary>What a step of training takes: operations by part, memory by kind.</summary>
/// <remarks>
/// Counted by running the model's own forward and backward on a tape whose workers do nothing and whose memory is only added up: what is counted is what
/// runs. Experts are taken to get equally many rows. Element-wise work is not among the operations.
/// </remarks>
public sealed record StepPlan
{
    private const long BytesOfElement = sizeof(float);

    private StepPlan() { }

    /// <summary>What was planned.</summary>
    public required StepShape Shape { get; init; }

    /// <summary>The model's parameters.</summary>
    public required ParameterCount Parameters { get; init; }

    /// <summary>Operations of a step by part, of all its passes.</summary>
    public required IReadOnlyList<PartOperations> Parts { get; init; }

    /// <summary>The parameters that learn: those of the model, or of an adapter beside it.</summary>
    public required long Trained { get; init; }

    /// <summary>The bytes of an adapter's weights; 0 without one.</summary>
    public required long AdapterBytes { get; init; }

    /// <summary>The bytes of the weights, an adapter's among them.</summary>
    public long WeightBytes => Parameters.AllocatedBytes + AdapterBytes;

    /// <summary>The bytes of the gradients of the weights; a tied embedding has two sums.</summary>
    public required long GradientBytes { get; init; }

    /// <summary>The bytes of what the optimizer keeps from step to step.</summary>
    public required long MomentBytes { get; init; }

    /// <summary>The bytes of one pass: activations, and gradients of these.</summary>
    public required long ActivationBytes { get; init; }

    /// <summary>The bytes of a pass that are written to: of blocks that are larger than what they hold, the rest costs no physical pages.</summary>
    public required long TouchedActivationBytes { get; init; }

    /// <summary>What a process grows by: all bytes that are written to.</summary>
    public long ResidentBytes => WeightBytes + GradientBytes + MomentBytes + TouchedActivationBytes;

    /// <summary>All bytes together.</summary>
    public long Bytes => WeightBytes + GradientBytes + MomentBytes + ActivationBytes;

    /// <summary>Operations of the forward.</summary>
    public double Forward => Parts.Sum(part => part.Forward);

    /// <summary>Operations of the backward.</summary>
    public double Backward => Parts.Sum(part => part.Backward);

    /// <summary>Operations of what the backward makes again.</summary>
    public double Recomputation => Parts.Sum(part => part.Recomputation);

    /// <summary>All operations.</summary>
    public double Operations => Forward + Backward + Recomputation;

    /// <summary>6·N·D of the step: N the parameters that a token meets, D its tokens (Kaplan et al. 2020, section 2.1).</summary>
    public double SixTimesParameters => 6.0 * Parameters.Activated * Shape.Tokens;

    /// <summary>What the step gives its workers to do.</summary>
    internal WorkFeatures Features { get; init; }

    /// <summary>Operations of the products of each parameter that the optimizer steps as a whole, in the order in which threads take them.</summary>
    internal IReadOnlyList<double> WholeOperations { get; init; } = [];

    /// <summary>Numbers that the optimizer keeps, without the gaps of blocks.</summary>
    internal long MomentNumbers { get; init; }

    /// <summary>The memory of the same step where numbers are held in another precision.</summary>
    /// <remarks>
    /// Of float32 it is what Lemma takes, to the byte of its blocks. Lemma trains in no other: of these it is the numbers that any implementation holds,
    /// activations those of Lemma's pass.
    /// </remarks>
    public StepMemory MemoryIn(TrainingPrecision precision)
    {
        ArgumentNullException.ThrowIfNull(precision);
        if (precision == TrainingPrecision.Float32)
            return new StepMemory(WeightBytes, 0, GradientBytes, MomentBytes, TouchedActivationBytes);
        long weights = Parameters.Total + (AdapterBytes > 0 ? Trained : 0);
        return new StepMemory(precision.WeightBytes * weights, precision.MasterBytes * Trained, precision.GradientBytes * Trained,
            precision.MomentBytes * MomentNumbers, precision.ActivationBytes * (TouchedActivationBytes / BytesOfElement));
    }

    /// <summary>Plans a step of training.</summary>
    /// <exception cref="ArgumentException">Sizes that no step can have: of the config, of the shape, or of both together.</exception>
    public static StepPlan Of(ModelConfig config, StepShape shape)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(shape);
        shape.Validate();
        using WorkCounter counter = new();
        using Workers workers = Workers.Counting(counter);
        using Model model = config.Declare();
        Parameters parameters = model.Parameters;
        parameters.AllocateCounted(counter.Memory);
        model.RecomputesBlocks = shape.RecomputesBlocks;
        using Adapter? adapter = shape.Adapter is { } change ? AdapterFolder.Declare(model, change) : null;
        adapter?.Parameters.AllocateCounted(counter.Memory);
        adapter?.Apply();
        parameters.IsFrozen = adapter is not null;
        Parameters learning = adapter?.Parameters ?? parameters;
        Optimizer optimizer = Made(learning, shape.Optimizer, workers);
        // What an optimizer keeps; blocks of moments are counted whole.
        long numbers = optimizer.State.Sum(tensor => tensor.Sizes.Aggregate(1L, (product, size) => product * size));
        learning.ForgetGradients();
        using Tape tape = new(workers, parameters);
        LossPart loss = Forwarded(model, tape, shape);
        counter.Phase = WorkPhase.Backward;
        tape.Backward(loss);
        return new StepPlan
        {
            Shape = shape,
            Parameters = ParameterCount.Of(config, parameters),
            Parts = [.. PartsOf(counter, shape.Accumulate)],
            Trained = learning.Count,
            AdapterBytes = adapter is null ? 0 : BytesOfElement * learning.BlockLength,
            GradientBytes = BytesOfElement * learning.GradientElements,
            MomentBytes = BytesOfElement * (learning.MomentElements > 0 ? learning.MomentElements : numbers),
            MomentNumbers = numbers,
            ActivationBytes = BytesOfElement * tape.PeakElements,
            TouchedActivationBytes = BytesOfElement * tape.TouchedElements,
            Features = WorkFeatures.Of(counter, shape.Accumulate, learning.Count),
            WholeOperations = (optimizer as MuonOptimizer)?.ProductOperations ?? [],
        };
    }

    // What recipes run: of an encoder that predicts nothing, the sum of its rows stands for a loss.
    private static LossPart Forwarded(Model model, Tape tape, StepShape shape)
    {
        int[] ids = new int[shape.Batch * shape.Length];
        Rows rows = Rows.Windows(ids, shape.Batch);
        Philox dropout = new(0);
        switch (model)
        {
            case Decoder decoder:
                return decoder.Balanced(tape, decoder.Loss(tape, rows, ids, dropout));
            case EncoderDecoder both:
                return both.Loss(tape, rows, rows, ids, dropout);
            case Encoder { Config.Head: not null } encoder:
                return encoder.MaskedLoss(tape, encoder.Hidden(tape, rows, default, dropout), ids, dropout);
            default:
                return new LossPart(tape.Sum(((Encoder)model).Hidden(tape, rows, default, dropout)), ids.Length);
        }
    }

    private static Optimizer Made(Parameters parameters, OptimizerOptions options, Workers workers)
    {
        try
        {
            return options.Make(parameters, workers);
        }
        catch (OverflowException)
        {
            Parameter largest = parameters.All.MaxBy(parameter => parameter.Count)!;
            throw new ArgumentException($"plan: this optimizer steps whole parameters, of at most {int.MaxValue} elements, "
                + $"but '{largest.Name}' has {largest.Count}");
        }
    }

    private static IEnumerable<PartOperations> PartsOf(WorkCounter counter, int passes)
    {
        double[,] sums = new double[Enum.GetValues<ModelPart>().Length, 3];
        foreach (CountedProduct product in counter.Products)
            sums[(int)PartOf(product.Parameter), (int)product.Phase] += passes * product.Operations;
        foreach (CountedAttention attention in counter.Attentions)
            sums[(int)ModelPart.AttentionScores, (int)attention.Phase] += passes * attention.Operations;
        return from part in Enum.GetValues<ModelPart>()
               let one = new PartOperations(part, sums[(int)part, 0], sums[(int)part, 1], sums[(int)part, 2])
               where one.Total > 0
               select one;
    }

    // Looking up is no product: those with the table of ids are a tied head's.
    private static ModelPart PartOf(string parameter) => ModelParts.Of(parameter) is var part && part == ModelPart.Embedding ? ModelPart.Head : part;
}
