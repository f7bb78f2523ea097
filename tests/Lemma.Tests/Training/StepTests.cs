using System.Security.Cryptography;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>What holds for a training step: the same bits for any number of threads and any width of vectors.</summary>
[Trait("Kernels", "true")]
public class StepTests
{
    // Recorded with AVX-512; the suite runs again with AVX-512 and AVX2 switched off, where the bits must be the same.
    private const string LlamaBits = "C81C0D392373805B", Gpt2Bits = "EFCB70F0AAAF2A19";

    [Theory]
    [InlineData("llama", 1), InlineData("llama", 5), InlineData("gpt2", 3)]
    public void TheWeightsAfterSixStepsHaveTheseBits(string family, int threads)
    {
        using Decoder model = Model(family, 0.1f);
        using Workers workers = new(threads);
        using Tape tape = new(workers, model.Parameters);
        AdamWOptimizer optimizer = new(model.Parameters, workers, new AdamWOptions());
        for (int step = 0; step < 6; step++)
            Step(model, tape, optimizer, step);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Parameter parameter in model.Parameters.All)
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(model.Parameters.Weights(parameter)));
        Assert.Equal(family == "llama" ? LlamaBits : Gpt2Bits, Convert.ToHexString(hash.GetHashAndReset())[..16]);
    }

    internal static void Step(Decoder model, Tape tape, AdamWOptimizer optimizer, int step)
    {
        int[] ids = [.. Enumerable.Range(0, 3 * 101).Select(i => (i * 7919 + step * 31) % 131)];
        int[] targets = [.. ids.Skip(1), 5];
        LossPart loss = model.Loss(tape, Rows.Windows(ids, 3), targets, new Lemma.Formulas.Philox(9).Split((ulong)step));
        tape.Backward(loss);
        tape.Rewind();
        optimizer.Step(1e-3f);
    }

    internal static Decoder Model(string family, float dropout)
    {
        bool llama = family == "llama";
        DecoderConfig config = llama ? Presets.Llama(131, width: 80, layers: 2, heads: 4, hidden: 208, length: 101, keyValueHeads: 2)
            : Presets.Gpt2(131, width: 80, layers: 2, heads: 4, length: 101).WithBlocks(block =>
                block with { FeedForward = new PlainFeedForward(330, Activation.Gelu, Bias: true) });
        Decoder model = new(config with { Dropout = dropout });
        model.Initialize(3);
        return model;
    }
}
