using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Tensors;

/// <summary>What is made of frozen parameters alone gets no gradient, since nobody reads it; what else is mixed in gets its own.</summary>
public class FrozenTests
{
    [Theory, InlineData(false, false), InlineData(true, false), InlineData(true, true)]
    public void GradientsStopWhereNothingLearnsBelow(bool isFrozen, bool hasOther)
    {
        using Workers workers = new(2);
        using Decoder frozen = new(Presets.Tiny(61).WithLayers(1)), learning = new(Presets.Tiny(61).WithLayers(1));
        (Parameters below, Parameters above) = (frozen.Parameters, learning.Parameters);
        frozen.Initialize(1);
        learning.Initialize(2);
        below.IsFrozen = isFrozen;
        if (!isFrozen)
            below.AllocateTrainingState();
        above.AllocateTrainingState();
        using Tape tape = new(workers, below);
        Tensor weight = tape.ParameterOf(above, above["blocks.0.attention.qkv.weight"]), other = tape.ParameterOf(above, above["blocks.0.attention.output.weight"]);
        Tensor gain = tape.Parameter(below["blocks.0.attention_norm.weight"]);
        Tensor x = tape.Embedding(new[] { 3, 1, 4, 1 }, tape.Parameter(below["embedding.weight"]));
        Tensor low = tape.Linear(x, other);
        if (hasOther)
            tape.AddToColumnsInPlace(x, 0, low);
        Tensor normed = tape.RmsNorm(x, gain);
        Tensor y = tape.Linear(normed, weight);
        tape.Backward(tape.Sum(tape.Multiply(y, y)));

        // Gradients of activations are given back behind their operation; those of parameters tell what had one.
        Assert.Contains(above.Gradients(above["blocks.0.attention.qkv.weight"]).ToArray(), gradient => gradient != 0);
        Assert.Equal((hasOther, !isFrozen), (tape.HasGradient(other), tape.HasGradient(gain)));
        Assert.Equal(isFrozen && !hasOther, tape.IsFrozen(normed));
    }
}
