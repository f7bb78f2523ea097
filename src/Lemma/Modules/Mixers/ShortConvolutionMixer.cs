using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>A short convolution between two gates; gates and what is convolved are one product.</summary>
internal sealed class ShortConvolutionMixer : Mixer
{
    private readonly ShortConvolutionConfig config;
    private readonly Linear input, output;
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly int width;

    public ShortConvolutionMixer(ShortConvolutionConfig config, Scope scope, int width)
    {
        (this.config, this.width) = (config, width);
        input = new Linear(scope.In("input"), 3 * width, width, config.Bias, scope.Inner);
        input.Weight.Stack = [width, width, width];
        weight = scope.In("convolution").Matrix("weight", width, config.Kernel, FirstValue.Normal(1 / Math.Sqrt(config.Kernel)));
        bias = config.Bias ? scope.In("convolution").Vector("bias", width, FirstValue.Zero) : null;
        output = new Linear(scope.In("output"), width, width, config.Bias, scope.Joining);
    }

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        Tensor all = input.Apply(tape, x, pass.Random);
        Tensor let = tape.Multiply(tape.Columns(all, 0, width), tape.Columns(all, 2 * width, width));
        Tensor heard = tape.ShortConvolution(let, tape.Parameter(weight), bias is null ? null : tape.Parameter(bias), pass.Rows, pass.Layer);
        return output.Apply(tape, tape.Multiply(tape.Columns(all, width, width), heard), pass.Random);
    }

    public override LayerState NewState(CacheFormat format) => new ConvolutionState(width, config.Kernel);
}
