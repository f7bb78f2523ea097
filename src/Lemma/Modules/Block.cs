using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>One block of a stack.</summary>
internal sealed class Block
{
    private readonly BlockConfig config;
    private readonly Norm? mixerNorm, mixerAfter, mixerSum, crossNorm, crossSum, feedForwardNorm, feedForwardAfter, feedForwardSum;
    private readonly FeedForward feedForward;
    private readonly PerBlockInput? perBlock;
    private readonly Parameter? outputScale;

    public Block(BlockConfig config, Scope scope, int encoderWidth, PerBlockInput? perBlock = null)
    {
        this.config = config;
        int width = scope.Width;
        mixerNorm = Norm.Of(config.MixerReadsStream ? null : config.Before, scope.In("attention_norm"), width);
        Mixer = config.Mixer.Make(scope.In("attention"), width);
        mixerAfter = Norm.Of(config.After, scope.In("attention_after_norm"), width);
        mixerSum = Norm.Of(config.AfterSum, scope.In("attention_sum_norm"), width);
        if (config.Cross is { } cross)
        {
            crossNorm = Norm.Of(config.Before, scope.In("cross_norm"), width);
            Cross = new CrossMixer(cross, scope.In("cross"), width, encoderWidth);
            crossSum = Norm.Of(config.AfterSum, scope.In("cross_sum_norm"), width);
        }
        if (config.Order != BranchOrder.ParallelOneNorm)
            feedForwardNorm = Norm.Of(config.Before, scope.In("feed_forward_norm"), width);
        feedForward = config.FeedForward.Make(scope.In("feed_forward"), width);
        feedForwardAfter = Norm.Of(config.After, scope.In("feed_forward_after_norm"), width);
        feedForwardSum = Norm.Of(config.AfterSum, scope.In("feed_forward_sum_norm"), width);
        this.perBlock = perBlock;
        if (config.OutputScale)
            outputScale = scope.Add("output_scale", new Shape(1), FirstValue.One, decays: false, learns: false);
    }

    /// <summary>What moves between positions.</summary>
    public Mixer Mixer { get; }

    /// <summary>The bias for the choice of its experts.</summary>
    public Parameter? ChoiceBias => (feedForward as ExpertsLayer)?.ChoiceBias;

    /// <summary>How many experts it has; 0 for none.</summary>
    public int Experts => config.FeedForward is ExpertsFeedForward experts ? experts.Routing.Experts : 0;

    /// <summary>Attention to an encoder's rows.</summary>
    public CrossMixer? Cross { get; }

    /// <summary>[rows, d] to [rows, d].</summary>
    public Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        x = Branches(tape, x, pass);
        if (perBlock is not null)
            x = Join(tape, x, perBlock.Apply(tape, x, pass));
        return outputScale is null ? x : tape.Scale(x, tape.Counts ? 1 : tape[tape.Parameter(outputScale)][0]);
    }

    private Tensor Branches(Tape tape, Tensor x, in Pass pass)
    {
        Tensor read = Through(tape, mixerNorm, x);
        Tensor heard = pass.Drop(tape, Through(tape, mixerAfter, Mixer.Apply(tape, read, pass)), 2 * pass.Layer + 1);
        if (config.Order != BranchOrder.Sequential)
        {
            Tensor made = feedForward.Apply(tape, config.Order == BranchOrder.ParallelOneNorm ? read : Through(tape, feedForwardNorm, x), pass);
            return Join(tape, Join(tape, x, heard), pass.Drop(tape, Through(tape, feedForwardAfter, made), 2 * pass.Layer + 2));
        }
        x = Through(tape, mixerSum, Join(tape, x, heard));
        if (Cross is not null)
        {
            Tensor asked = pass.Drop(tape, Cross.Apply(tape, Through(tape, crossNorm, x), pass), 2 * pass.Layers + pass.Layer + 1);
            x = Through(tape, crossSum, Join(tape, x, asked));
        }
        Tensor y = Through(tape, feedForwardAfter, feedForward.Apply(tape, Through(tape, feedForwardNorm, x), pass));
        return Through(tape, feedForwardSum, Join(tape, x, pass.Drop(tape, y, 2 * pass.Layer + 2)));
    }

    private static Tensor Through(Tape tape, Norm? norm, Tensor x) => norm is null ? x : norm.Apply(tape, x);

    private Tensor Join(Tape tape, Tensor x, Tensor branch) =>
        config.ResidualScale == 1 ? tape.Add(x, branch) : tape.AddScaled(x, branch, config.ResidualScale);
}
