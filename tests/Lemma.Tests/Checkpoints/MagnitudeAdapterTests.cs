using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;
using static Lemma.Tests.Checkpoints.AdapterCases;

namespace Lemma.Tests.Checkpoints;

/// <summary>Adapters with magnitudes (DoRA) as PEFT wrote them: Golden/dora is made by bench/golden/make_dora.py, in float64 by PEFT itself.</summary>
public sealed class MagnitudeAdapterTests : IDisposable
{
    private readonly Workers workers = new(2);

    public static TheoryData<string> Cases => ["gpt2", "llama"];

    public void Dispose() => workers.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void AppliedAndMergedTheyGiveTheLogitsOfPeft(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("dora", name), model);
        JsonElement expected = Expected(name);
        int[] ids = [.. expected.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        float[] wanted = [.. expected.GetProperty("logits").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(value => value.GetSingle()))];
        float[] before = Logits(workers, model, ids);
        Assert.True(Difference(wanted, before) > 0.01);
        adapter.Apply();
        float[] applied = Logits(workers, model, ids);
        Assert.True(Difference(wanted, applied) < 2e-5, $"applied: {Difference(wanted, applied):E2}");
        using (Decoder packed = ModelFolder.ReadDecoder(Checkpoint(name)))
        {
            packed.Parameters.Pack(workers);
            using Adapter other = AdapterFolder.Read(Golden("dora", name), packed);
            other.Apply();
            Assert.Equal(applied, Logits(workers, packed, ids));
        }
        adapter.Merge();
        float[] merged = Logits(workers, model, ids);
        Assert.True(Difference(applied, merged) < 1e-5, $"merged: {Difference(applied, merged):E2}");
        adapter.Unload();
        Assert.Equal(before, Logits(workers, model, ids));
    }

    // One matrix merged is its formula in double, to a millionth of the largest element.
    [Theory, MemberData(nameof(Cases))]
    public void MergedMatricesAreTheFormulaInDouble(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name)), plain = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("dora", name), model);
        adapter.Merge();
        int compared = 0;
        foreach (Parameter weight in model.Parameters.All)
        {
            foreach (AdapterPart part in adapter.PartsOf(weight))
            {
                int columns = weight.Shape.Columns;
                float[] a = adapter.Parameters.Weights(part.A).ToArray(), b = adapter.Parameters.Weights(part.B).ToArray();
                float[] magnitude = adapter.Parameters.Weights(part.Magnitude!).ToArray();
                for (int i = 0; i < part.Rows; i++)
                {
                    float[] given = model.Parameters.Weights(weight).Slice((part.FirstRow + i) * columns, columns).ToArray();
                    float[] before = plain.Parameters.Weights(plain.Parameters[weight.Name]).Slice((part.FirstRow + i) * columns, columns).ToArray();
                    double[] turned = [.. before.Select((w, j) => w + part.Scale
                        * Enumerable.Range(0, part.Rank).Sum(k => (double)b[i * part.Rank + k] * a[k * columns + j]))];
                    double gain = magnitude[i] / Math.Sqrt(turned.Sum(v => v * v)), largest = turned.Max(Math.Abs) * Math.Abs(gain);
                    Assert.All(turned.Zip(given), pair => Assert.Equal(gain * pair.First, pair.Second, 1e-6 * largest));
                    compared++;
                }
            }
        }
        Assert.True(compared > 100, $"{compared} rows");
    }

    [Theory, MemberData(nameof(Cases))]
    public void LossAndGradientsAreThoseOfPeft(string name)
    {
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        using Adapter adapter = AdapterFolder.Read(Golden("dora", name), model);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        adapter.Parameters.AllocateTrainingState();
        JsonElement expected = Expected(name), gradients = expected.GetProperty("gradients");
        int[] ids = [.. expected.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        using Tape tape = new(workers, model.Parameters);
        LossPart loss = model.Loss(tape, Rows.One(ids.AsMemory(..^1)), ids.AsMemory(1..));
        Assert.Equal(expected.GetProperty("loss").GetDouble(), loss.Mean(tape), 1e-5);
        tape.Backward(loss);
        tape.Rewind();
        using TemporaryFolder folder = new();
        Assert.Equal(gradients.EnumerateObject().Count(), adapter.Parameters.All.Count);
        // Files have the rows in the order of the family's, memory in its own: the gradients go there in the place of the weights.
        foreach (Parameter parameter in adapter.Parameters.All)
            adapter.Parameters.Gradients(parameter).CopyTo(adapter.Parameters.Weights(parameter));
        AdapterFolder.Write(folder["gradients"], model, adapter, AdapterFolder.ReadConfig(Golden("dora", name)));
        using Lemma.Formats.TensorFile file = Lemma.Formats.TensorFile.Open(folder["gradients/adapter_model.safetensors"]);
        foreach (JsonProperty gradient in gradients.EnumerateObject())
        {
            float[] wanted = [.. gradient.Value.EnumerateArray().Select(value => value.GetSingle())], given = new float[wanted.Length];
            file.Read(file.Find($"base_model.model.{gradient.Name}")!, given);
            Assert.True(Difference(wanted, given) < 2e-5 * wanted.Max(Math.Abs), $"{gradient.Name}: {Difference(wanted, given):E2} of {wanted.Max(Math.Abs)}");
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void TheyAreWrittenAndReadBackByteForByte(string name)
    {
        using TemporaryFolder folder = new();
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        AdapterConfig config = AdapterFolder.ReadConfig(Golden("dora", name));
        Assert.True(config.HasMagnitudes);
        using (Adapter adapter = AdapterFolder.Read(Golden("dora", name), model))
            AdapterFolder.Write(folder["copy"], model, adapter, config);
        using Lemma.Formats.TensorFile original = Lemma.Formats.TensorFile.Open(Path.Combine(Golden("dora", name), "adapter_model.safetensors")),
            copy = Lemma.Formats.TensorFile.Open(folder["copy/adapter_model.safetensors"]);
        Assert.Equal(original.Tensors.Select(tensor => tensor.Name).Order(), copy.Tensors.Select(tensor => tensor.Name).Order());
        foreach (Lemma.Formats.TensorEntry tensor in original.Tensors)
        {
            float[] one = new float[tensor.Count], other = new float[tensor.Count];
            original.Read(tensor, one);
            copy.Read(copy.Find(tensor.Name)!, other);
            Assert.Equal(one, other);
        }
        Assert.True(AdapterFolder.ReadConfig(folder["copy"]).HasMagnitudes);
    }

    [Theory, MemberData(nameof(Cases))]
    public void AFreshOneChangesNothingAndLearns(string name)
    {
        int[] ids = [3, 17, 4, 60, 91, 5, 5, 33], targets = [17, 4, 60, 91, 5, 5, 33, 2];
        using Decoder model = ModelFolder.ReadDecoder(Checkpoint(name));
        float[] before = Logits(workers, model, ids);
        AdapterConfig config = new() { Rank = 2, Alpha = 4, Targets = ["all-linear"], HasMagnitudes = true };
        using Adapter adapter = AdapterFolder.Create(model, config, seed: 1);
        adapter.Apply();
        Assert.True(Difference(before, Logits(workers, model, ids)) < 1e-5);
        Parameter magnitude = adapter.Parameters.All.First(parameter => parameter.Name.EndsWith("magnitude_vector", StringComparison.Ordinal));
        float[] lengths = adapter.Parameters.Weights(magnitude).ToArray();
        List<float> losses = Learn(workers, model, adapter, ids, targets, 30);
        Assert.True(losses[^1] < 0.6 * losses[0], $"from {losses[0]} to {losses[^1]}");
        Assert.NotEqual(lengths, adapter.Parameters.Weights(magnitude).ToArray());
    }

    [Fact]
    public void WhatHasNoMagnitudesIsNamed()
    {
        AdapterConfig config = new() { Rank = 2, Alpha = 4, Targets = ["all-linear"], HasMagnitudes = true };
        using Decoder experts = ModelFolder.ReadDecoder(Golden("checkpoints", "mixtral")), plain = ModelFolder.ReadDecoder(Golden("checkpoints", "llama"));
        Assert.Contains("is a matrix of an expert, whose rows have no magnitudes of their own",
            Assert.Throws<ArgumentException>(() => AdapterFolder.Create(experts, config, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("is an embedding, whose rows have no magnitudes of their own",
            Assert.Throws<ArgumentException>(() => AdapterFolder.Create(plain, config with { Targets = ["embed_tokens"] }, 1)).Message, StringComparison.Ordinal);
        using TemporaryFolder folder = new();
        foreach (string file in Directory.EnumerateFiles(Golden("dora", "llama")))
            File.Copy(file, folder[Path.GetFileName(file)]);
        string text = File.ReadAllText(folder["adapter_config.json"]);
        Assert.Contains("\"use_dora\": true", text, StringComparison.Ordinal);
        File.WriteAllText(folder["adapter_config.json"], text.Replace("\"use_dora\": true", "\"use_dora\": false", StringComparison.Ordinal));
        Assert.EndsWith("it has 24 tensors, of which 16 are pairs of A and B",
            Assert.Throws<InvalidDataException>(() => AdapterFolder.Read(folder[""], plain)).Message, StringComparison.Ordinal);
    }

    private static JsonElement Expected(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden("dora", name), "expected.json"))).RootElement;
}
