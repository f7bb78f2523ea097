using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;
using static Lemma.Tests.Checkpoints.AdapterCases;

namespace Lemma.Tests.Checkpoints;

/// <summary>Gradients of adapters: by differences, beside those of the merged matrices, with dropout, and what is learned by them.</summary>
public sealed class AdapterGradientTests : IDisposable
{
    private readonly Workers workers = new(2);

    public void Dispose() => workers.Dispose();

    [Theory, InlineData("gpt2"), InlineData("mistral-window"), InlineData("gemma2"), InlineData("gpt2-embeddings"), InlineData("gemma3-embeddings")]
    public void GradientsOfAnAdapterAreDifferencesOfTheLoss(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        adapter.Parameters.AllocateTrainingState();
        int[] ids = [3, 17, 4, 60], targets = [17, 4, 60, 91];
        using Tape tape = new(workers, model.Parameters);
        tape.Backward(model.Loss(tape, Rows.One(ids), targets));
        tape.Rewind();
        foreach (Parameter parameter in adapter.Parameters.All)
        {
            float[] gradient = adapter.Parameters.Gradients(parameter).ToArray();
            // Along the gradient itself the loss rises by its square: a direction in which float32 sees the difference.
            double squared = gradient.Sum(value => (double)value * value);
            float step = (float)(2e-3 / Math.Sqrt(squared));
            double rise = (Loss(parameter, gradient, step) - Loss(parameter, gradient, -step)) / (2 * step);
            Assert.Equal(1, rise / squared, 0.02);
        }

        double Loss(Parameter parameter, float[] direction, float step)
        {
            Span<float> weights = adapter.Parameters.Weights(parameter);
            float[] old = weights.ToArray();
            for (int i = 0; i < weights.Length; i++)
                weights[i] += step * direction[i];
            double loss = model.Loss(tape, Rows.One(ids), targets).Mean(tape);
            tape.Rewind();
            old.CopyTo(weights);
            return loss;
        }
    }

    [Theory, MemberData(nameof(AdapterTests.Cases), MemberType = typeof(AdapterTests))]
    public void GradientsOfAnAdapterAreThoseOfItsMatrixThroughIt(string name)
    {
        int[] ids = [3, 17, 4, 60, 91, 5, 5, 33], targets = [17, 4, 60, 91, 5, 5, 33, 2];
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("adapters", name), model);
        adapter.Parameters.AllocateTrainingState();
        model.Parameters.AllocateTrainingState();
        using Tape tape = new(workers, model.Parameters);
        adapter.Merge();
        tape.Backward(model.Loss(tape, Rows.One(ids), targets));
        tape.Rewind();
        float[][] merged = [.. model.Parameters.All.Select(parameter => model.Parameters.Gradients(parameter).ToArray())];
        adapter.Unload();
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        tape.Backward(model.Loss(tape, Rows.One(ids), targets));
        tape.Rewind();
        int compared = 0;
        foreach ((Parameter weight, float[] whole) in model.Parameters.All.Zip(merged))
        {
            int columns = weight.Shape.Columns;
            foreach ((AdapterPart part, bool isLookup) in (ValueTuple<AdapterPart, bool>[])[.. adapter.PartsOf(weight).Select(part => (part, false)),
                .. adapter.LookupsOf(weight).Select(part => (part, true))])
            {
                float[] dw = whole[(part.FirstRow * columns)..((part.FirstRow + part.Rows) * columns)];
                float[] a = adapter.Parameters.Weights(part.A).ToArray(), b = adapter.Parameters.Weights(part.B).ToArray();
                // W + s·B·A, or W + s·A·Bᵀ of an embedding, whose A has a row an id.
                Near(part.Scale, SpanProduct.New(part.Rows, part.Rank, columns, dw, false, isLookup ? b : a, !isLookup), isLookup ? part.A : part.B);
                Near(part.Scale, isLookup ? SpanProduct.New(columns, part.Rank, part.Rows, dw, true, a, false)
                    : SpanProduct.New(part.Rank, columns, part.Rows, b, true, dw, false), isLookup ? part.B : part.A);
            }
        }
        Assert.Equal(adapter.Parameters.All.Count, compared);

        void Near(float scale, float[] wanted, Parameter parameter)
        {
            float[] gradient = adapter.Parameters.Gradients(parameter).ToArray();
            double size = wanted.Max(value => Math.Abs((double)scale * value));
            Assert.True(Difference([.. wanted.Select(value => scale * value)], gradient) <= 1e-4 * size + 1e-7, $"{parameter.Name}: {size}");
            compared++;
        }
    }

    [Fact]
    public void ExpertsDropWhatAReadsWithTheGradientsOfTheSameMasks()
    {
        int[] ids = [3, 17, 4, 60, 91, 5, 5, 33], targets = [17, 4, 60, 91, 5, 5, 33, 2];
        using TemporaryFolder folder = new();
        foreach (string file in (string[])["adapter_config.json", "adapter_model.safetensors"])
            File.Copy(Path.Combine(Golden("adapters", "mixtral"), file), folder[file]);
        folder.Write("adapter_config.json", File.ReadAllText(folder["adapter_config.json"])
            .Replace("\"lora_dropout\": 0.0", "\"lora_dropout\": 0.25", StringComparison.Ordinal));
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", "mixtral"));
        using Adapter adapter = AdapterFolder.Read(folder[""], model);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        adapter.Parameters.AllocateTrainingState();
        float[][] gradients = Gradients(2);
        Assert.Equal(gradients, Gradients(1));
        Assert.Equal(gradients, Gradients(3));
        // The change of each kind of matrix alone, along its gradient.
        foreach (string kind in (string[])[".w1.lora_A", ".w1.lora_B", ".w2.lora_A", ".w2.lora_B", ".q_proj.lora_A"])
        {
            int[] chosen = [.. Enumerable.Range(0, gradients.Length).Where(i => adapter.Parameters.All[i].Name.Contains(kind, StringComparison.Ordinal))];
            double squared = chosen.Sum(i => gradients[i].Sum(value => (double)value * value));
            float step = (float)(4e-3 / Math.Sqrt(squared));
            double rise = (Moved(chosen, step) - Moved(chosen, -step)) / (2 * step);
            Assert.Equal(1, rise / squared, 0.02);
        }

        double Moved(int[] chosen, float step)
        {
            foreach (int i in chosen)
                Lanes.AddScaled(gradients[i], step, adapter.Parameters.Weights(adapter.Parameters.All[i]));
            using Tape tape = new(workers, model.Parameters);
            double loss = model.Loss(tape, Rows.One(ids), targets, new Philox(3)).Mean(tape);
            foreach (int i in chosen)
                Lanes.AddScaled(gradients[i], -step, adapter.Parameters.Weights(adapter.Parameters.All[i]));
            return loss;
        }

        float[][] Gradients(int threads)
        {
            using Workers own = new(threads);
            using Tape tape = new(own, model.Parameters);
            tape.Backward(model.Loss(tape, Rows.One(ids), targets, new Philox(3)));
            float[][] all = [.. adapter.Parameters.All.Select(parameter => adapter.Parameters.Gradients(parameter).ToArray())];
            adapter.Parameters.ForgetGradients();
            return all;
        }
    }

    [Theory, InlineData("llama", "embed_tokens", 1), InlineData("mixtral", "w2", 8), InlineData("mixtral", "w1", 8)]
    public void FreshAdaptersOfEmbeddingsAndExpertsChangeNothingAndLearn(string name, string target, int modules)
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("checkpoints", name));
        int[] ids = [3, 17, 4, 60, 91, 5, 5, 33], targets = [17, 4, 60, 91, 5, 5, 33, 2];
        float[] before = Logits(workers, model, ids);
        using Adapter adapter = AdapterFolder.Create(model, new AdapterConfig { Rank = 4, Alpha = 8, Targets = [target] }, seed: 1);
        Assert.Equal(2 * modules, adapter.Parameters.All.Count);
        adapter.Apply();
        Assert.Equal(before, Logits(workers, model, ids));
        List<float> losses = Learn(workers, model, adapter, ids, targets, steps: 40);
        Assert.True(losses[^1] < 0.6 * losses[0], $"{losses[0]} to {losses[^1]}");
    }
}
