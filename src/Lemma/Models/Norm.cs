using Lemma.Tensors;

namespace Lemma.Models;

/// <summary>A norm with named parameters.</summary>
internal sealed class Norm(NormConfig config, Parameters parameters, string name)
{
    private readonly Parameter weight = parameters[$"{name}.weight"];
    private readonly Parameter? bias = config is LayerNormConfig ? parameters[$"{name}.bias"] : null;

    /// <summary>[rows, d] to [rows, d].</summary>
    public Tensor Apply(Tape tape, Tensor x) => bias is null
        ? tape.RmsNorm(x, tape.Parameter(weight), config.Epsilon)
        : tape.LayerNorm(x, tape.Parameter(weight), tape.Parameter(bias), config.Epsilon);
}
