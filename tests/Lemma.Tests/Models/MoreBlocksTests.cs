using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Models;

/// <summary>Blocks behind a model's own change nothing until they learn.</summary>
public class MoreBlocksTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 40).Select(i => i * i * 37 % 61)];

    public static TheoryData<string> Names => MixerTests.Names;

    [Theory, MemberData(nameof(Names))]
    public void TheyChangeNothingAtFirstAndLearn(string name)
    {
        using Decoder model = MixerTests.Model(name), deeper = model.WithMoreBlocks(2, seed: 5), again = model.WithMoreBlocks(2, seed: 5);
        using Workers workers = new(2);
        Assert.Equal(model.Config.Layers + 2, deeper.Config.Layers);
        Assert.Equal(Logits(model), Logits(deeper));
        Assert.All(deeper.Parameters.All, parameter =>
            Assert.Equal(deeper.Parameters.Weights(parameter), again.Parameters.Weights(again.Parameters[parameter.Name])));

        using Tape tape = new(workers, deeper.Parameters);
        AdamWOptimizer optimizer = new(deeper.Parameters, workers, new AdamWOptions());
        Parameter[] added = [.. deeper.Parameters.All.Where(parameter => parameter.First.Joins && model.Parameters.All.All(own => own.Name != parameter.Name))];
        Assert.Equal(4, added.Length);
        for (int step = 0; step < 2; step++)
        {
            tape.Backward(deeper.Loss(tape, Rows.One(Ids.AsMemory(..^1)), Ids.AsMemory(1..)));
            tape.Rewind();
            optimizer.Step(1e-2f);
        }
        Assert.All(added, parameter => Assert.Contains(deeper.Parameters.Weights(parameter).ToArray(), weight => weight != 0));
        Assert.NotEqual(Logits(model), Logits(deeper));

        float[] Logits(Decoder read)
        {
            using Tape plain = new(workers, read.Parameters) { Recording = false };
            return plain[read.Logits(plain, Rows.One(Ids))].ToArray();
        }
    }

    [Fact]
    public void WhatABlockMoreWouldChangeIsRefused()
    {
        DecoderConfig config = Presets.Tiny(61).WithLayers(1).WithBlocks(static block => block with { Before = null, AfterSum = new RmsNormConfig() });
        using Decoder model = new(config), plain = new(Presets.Tiny(61).WithLayers(1));
        Assert.Contains("a norm or a factor behind its sum", Assert.Throws<ArgumentException>(() => model.WithMoreBlocks(1, 1)).Message, StringComparison.Ordinal);
        StackConfig stack = plain.Config.Stack;
        EmbeddingConfig own = stack.Embedding with { PerBlock = new PerBlockEmbeddingConfig(8, Activation.Gelu, new RmsNormConfig()) };
        using Decoder tables = new(plain.Config with { Stack = stack with { Embedding = own } });
        Assert.Contains("lie in one table", Assert.Throws<ArgumentException>(() => tables.WithMoreBlocks(1, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("but 0 are asked for", Assert.Throws<ArgumentException>(() => plain.WithMoreBlocks(0, 1)).Message, StringComparison.Ordinal);
    }
}
