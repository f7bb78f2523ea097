using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>A norm of rows.</summary>
/// <param name="config">The choice.</param>
/// <param name="scope">Its place.</param>
/// <param name="width">The width of a row.</param>
/// <param name="gain">The first gain, and how fast it learns.</param>
internal sealed class Norm(NormConfig config, Scope scope, int width, FirstValue gain)
{
    private readonly Parameter? weight = !config.HasGain ? null : scope.Vector("weight", width, config is RmsNormConfig { OnePlusGain: true }
        ? gain with { Constant = gain.Constant - 1 } : gain);
    private readonly Parameter? bias = config is LayerNormConfig { Bias: true } ? scope.Vector("bias", width, FirstValue.Zero) : null;

    public Norm(NormConfig config, Scope scope, int width) : this(config, scope, width, FirstValue.One) { }

    /// <summary>A norm, or none.</summary>
    public static Norm? Of(NormConfig? config, Scope scope, int width) => config is null ? null : new Norm(config, scope, width);

    /// <summary>[rows, d] to [rows, d].</summary>
    public Tensor Apply(Tape tape, Tensor x) => config is RmsNormConfig { OnePlusGain: var onePlus } ? tape.RmsNorm(x, Gain(tape), config.Epsilon, onePlus)
        : tape.LayerNorm(x, Gain(tape)!.Value, bias is null ? Zeros(tape) : tape.Parameter(bias), config.Epsilon);

    /// <summary>Norms heads that lie side by side in some columns of every row.</summary>
    public void ApplyToHeads(Tape tape, Tensor x, int firstColumn, int heads, int headWidth)
    {
        if (config is RmsNormConfig { OnePlusGain: var onePlus })
            tape.HeadRmsNormInPlace(x, firstColumn, heads, headWidth, Gain(tape), config.Epsilon, onePlus);
        else
            tape.HeadLayerNormInPlace(x, firstColumn, heads, headWidth, Gain(tape), bias is null ? null : tape.Parameter(bias), config.Epsilon);
    }

    private Tensor? Gain(Tape tape) => weight is null ? null : tape.Parameter(weight);

    private Tensor Zeros(Tape tape)
    {
        Tensor zeros = tape.New(new Shape(width));
        tape[zeros].Clear();
        return zeros;
    }
}
