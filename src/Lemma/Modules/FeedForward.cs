using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>The feed-forward layer of a block.</summary>
internal abstract class FeedForward
{
    /// <summary>[rows, d] to [rows, d].</summary>
    public abstract Tensor Apply(Tape tape, Tensor x, in Pass pass);
}

/// <summary>A layer that every row takes, plain or gated; gate and up are one product.</summary>
internal sealed class DenseLayer : FeedForward
{
    private readonly Linear up, down;
    private readonly FeedForwardConfig config;

    public DenseLayer(FeedForwardConfig config, Scope scope, int width)
    {
        this.config = config;
        bool isGated = config is GatedFeedForward;
        up = new Linear(scope.In(isGated ? "gate_up" : "up"), (isGated ? 2 : 1) * config.HiddenWidth, width, config.Bias, scope.Inner);
        up.Weight.Stack = isGated ? [config.HiddenWidth, config.HiddenWidth] : [];
        down = new Linear(scope.In("down"), width, config.HiddenWidth, config.Bias, scope.Joining);
    }

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        Tensor hidden = up.Apply(tape, x, pass.Random);
        return down.Apply(tape, config is GatedFeedForward ? tape.Gated(hidden, config.Activation) : tape.Activate(hidden, config.Activation), pass.Random);
    }
}

/// <summary>Experts that a router chooses a row.</summary>
internal sealed class ExpertsLayer : FeedForward
{
    private readonly ExpertsFeedForward config;
    private readonly Linear router;
    private readonly Parameter gateUp, down;
    private readonly Parameter? gateUpBias, downBias;
    private readonly Linear? sharedGate;
    private readonly DenseLayer? shared;

    public ExpertsLayer(ExpertsFeedForward config, Scope scope, int width)
    {
        this.config = config;
        int experts = config.Routing.Experts, hidden = config.HiddenWidth;
        router = new Linear(scope.In("router"), experts, width, config.RouterBias, scope.Inner);
        if (config.ChoiceBias)
            ChoiceBias = scope.Add("router.choice_bias", new Shape(experts), FirstValue.Zero, decays: false, learns: false);
        gateUp = scope.Add("experts.gate_up.weight", new Shape(experts, 2 * hidden, width), scope.Inner, decays: true);
        down = scope.Add("experts.down.weight", new Shape(experts, width, hidden), scope.Joining, decays: true);
        gateUp.Stack = [hidden, hidden];
        if (config.Bias)
        {
            gateUpBias = scope.Vector("experts.gate_up.bias", experts * 2 * hidden, FirstValue.Zero);
            downBias = scope.Vector("experts.down.bias", experts * width, FirstValue.Zero);
        }
        gateUp.TakesPanels = down.TakesPanels = gateUp.TakesAdapter = down.TakesAdapter = true;
        if (config.Shared is not { } own)
            return;
        shared = new DenseLayer(own, scope.In("shared"), width);
        if (config.SharedGate)
            sharedGate = new Linear(scope.In("shared_gate"), 1, width, bias: false, scope.Inner);
    }

    /// <summary>The bias for the choice alone.</summary>
    public Parameter? ChoiceBias { get; }

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        ExpertOutput output = tape.Experts(x, router.Apply(tape, x, pass.Random), ChoiceBias is null ? null : tape.Parameter(ChoiceBias),
            tape.Parameter(gateUp), tape.Parameter(down), config.Routing, config.Activation,
            tape.Parameters!.Adapter is { } adapter ? ExpertChanges.Of(adapter, gateUp, down, pass.Random) : null,
            new ExpertTerms(gateUpBias is null ? null : tape.Parameter(gateUpBias), downBias is null ? null : tape.Parameter(downBias), config.Clamp?.Limit ?? 0,
                config.Clamp?.Alpha ?? 0));
        tape.Keep(output);
        if (shared is null)
            return output.Rows;
        Tensor common = shared.Apply(tape, x, pass);
        if (sharedGate is not null)
            common = tape.Multiply(common, tape.RepeatColumns(tape.Sigmoid(sharedGate.Apply(tape, x, pass.Random)), x.Shape.Columns));
        return tape.Add(output.Rows, common);
    }
}
