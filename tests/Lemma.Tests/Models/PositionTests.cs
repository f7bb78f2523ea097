using Lemma.Compute;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Models;

/// <summary>Bounds of learned spans.</summary>
public class PositionTests
{
    [Fact]
    public void StepsKeepSpansBetween0AndTheLongestSequence()
    {
        using Decoder model = MixerTests.Model("adaptive_span");
        using Workers workers = new(2);
        AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions { Clip = 0 });
        Parameter spans = model.Parameters["blocks.1.attention.spans"];
        Assert.Equal((0, 512), spans.Bounds);
        // From 30 down by the whole rate, then up by a twentieth of it, since the first moment remembers.
        foreach ((float rate, float gradient, float expected) in ((float, float, float)[])[(40, 1, 0), (20000, -1, 512)])
        {
            model.Parameters.Gradients(spans).Fill(gradient);
            optimizer.Step(rate);
            Assert.All(model.Parameters.Weights(spans).ToArray(), span => Assert.Equal(expected, span));
        }
        Assert.All(model.Parameters.All.Where(parameter => !parameter.Name.EndsWith("spans", StringComparison.Ordinal)),
            parameter => Assert.Null(parameter.Bounds));
        // At 0 a head still fades out over its ramp, so its span may grow again.
        model.Parameters.Weights(spans).Clear();
        using Tape tape = new(workers, model.Parameters);
        int[] ids = [.. Enumerable.Range(0, 40).Select(i => i * 7 % 61)];
        tape.Backward(model.Loss(tape, Lemma.Sequences.Rows.One(ids), ids));
        Assert.All(model.Parameters.Gradients(spans).ToArray(), gradient => Assert.NotEqual(0, gradient));
    }
}
