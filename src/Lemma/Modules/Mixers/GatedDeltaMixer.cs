using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>The gated delta rule: a matrix a head and a few rows are all that is kept of a sequence, whatever its length.</summary>
internal sealed class GatedDeltaMixer : Mixer
{
    private readonly GatedDeltaConfig config;
    private readonly Linear input, output;
    private readonly Parameter convolution, rate, bias;
    private readonly Norm norm;

    public GatedDeltaMixer(GatedDeltaConfig config, Scope scope, int width)
    {
        this.config = config;
        int keys = config.KeyHeads * config.HeadWidth, values = config.Heads * config.ValueWidth;
        input = new Linear(scope.In("input"), config.Columns, width, bias: false, scope.Inner);
        input.Weight.Stack = [keys, keys, values, values, config.Heads, config.Heads];
        convolution = scope.In("convolution").Matrix("weight", config.Channels, config.Kernel, FirstValue.Normal(1 / Math.Sqrt(config.Kernel)));
        rate = scope.Vector("decay_rate", config.Heads, FirstValue.Zero);
        bias = scope.Vector("decay_bias", config.Heads, FirstValue.One);
        norm = new Norm(config.Norm, scope.In("norm"), config.ValueWidth);
        output = new Linear(scope.In("output"), width, values, bias: false, scope.Joining);
    }

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        (int heads, int d, int keyHeads) = (config.Heads, config.HeadWidth, config.KeyHeads);
        int channels = config.Channels, values = heads * config.ValueWidth;
        Tensor all = input.Apply(tape, x, pass.Random);
        Tensor mixed = tape.Silu(tape.ShortConvolution(tape.Columns(all, 0, channels), tape.Parameter(convolution), null, pass.Rows, pass.Layer));
        // x/√(Σ x² + ε) = x/√(mean x² + ε/d)/√d.
        tape.HeadRmsNormInPlace(mixed, 0, 2 * keyHeads, d, Lengths(tape), config.LengthEpsilon / d);
        Tensor decay = tape.LogDecay(tape.Columns(all, channels + values + heads, heads), tape.Parameter(rate), tape.Parameter(bias));
        Tensor beta = tape.Sigmoid(tape.Columns(all, channels + values, heads));
        Tensor heard = tape.GatedDeltaRule(mixed, decay, beta, keyHeads, d, config.ValueWidth, pass.Rows, pass.Layer);
        norm.ApplyToHeads(tape, heard, 0, heads, config.ValueWidth);
        return output.Apply(tape, tape.Multiply(heard, tape.Silu(tape.Columns(all, channels, values))), pass.Random);
    }

    public override LayerState NewState(CacheFormat format) =>
        new GatedDeltaState(config.Channels, config.Kernel, config.Heads, config.HeadWidth, config.ValueWidth);

    private Tensor Lengths(Tape tape)
    {
        Tensor gains = tape.New(new Shape(config.HeadWidth));
        tape[gains].Fill((float)(1 / Math.Sqrt(config.HeadWidth)));
        return gains;
    }
}
