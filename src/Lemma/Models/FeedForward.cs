using Lemma.Modules;
using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>The feed-forward layer of a block, plain or gated.</summary>
internal sealed class FeedForward(FeedForwardConfig config, Parameters parameters, string name)
{
    private readonly LinearLayer up = new(parameters, config is SwiGluFeedForward ? $"{name}.gate_up" : $"{name}.up", config.Bias);
    private readonly LinearLayer down = new(parameters, $"{name}.down", config.Bias);

    /// <summary>[rows, d] to [rows, d].</summary>
    public Tensor Apply(Tape tape, Tensor x)
    {
        Tensor hidden = up.Apply(tape, x);
        return down.Apply(tape, config switch
        {
            SwiGluFeedForward => tape.SwiGlu(hidden),
            PlainFeedForward plain => tape.Activate(hidden, plain.Activation),
            _ => throw new NotSupportedException($"feed_forward: {config} is not known"),
        });
    }
}
