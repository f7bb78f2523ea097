using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Language.Exports;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Tests.Language;

/// <summary>The squares that the first matrices meet are those of normed embeddings; experts meet as many rows as were sent to them; files are read back.</summary>
public class ImportanceMatrixTests
{
    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", name);

    [Fact]
    public void TheFirstMatrixMeetsNormedEmbeddings()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("qwen3-moe"));
        int[] ids = [.. Enumerable.Range(0, 45).Select(i => i * 31 % 96)];
        using Workers one = new(1), three = new(3);
        ImportanceMatrix matrix = ImportanceMatrix.Collect(model, ids, 20, one);
        float[] embedding = model.Parameters.Weights(model.Parameters["embedding.weight"]).ToArray(), gain = model.Parameters.Weights(model.Parameters["blocks.0.attention_norm.weight"]).ToArray();
        double epsilon = ((RmsNormConfig)model.Config.Stack.Blocks[0].Before!).Epsilon;
        double[] expected = new double[32];
        foreach (int id in ids.Take(40))
        {
            double[] row = [.. Enumerable.Range(0, 32).Select(i => (double)embedding[id * 32 + i])];
            double scale = 1 / Math.Sqrt(row.Average(x => x * x) + epsilon);
            for (int i = 0; i < 32; i++)
                expected[i] += row[i] * scale * gain[i] * row[i] * scale * gain[i] / 40;
        }
        foreach (string name in (string[])["attn_q", "attn_k", "attn_v"])
            Assert.Equal(expected, matrix.Values[$"blk.0.{name}.weight"].Select(value => (double)value), (left, right) => Math.Abs(left - right) <= 1e-5 * left);
        ExpertsFeedForward experts = (ExpertsFeedForward)model.Config.Stack.Blocks[0].FeedForward;
        Assert.Equal(experts.Routing.Experts * 32, matrix.Values["blk.0.ffn_gate_exps.weight"].Length);
        Assert.Equal(experts.Routing.Experts * experts.HiddenWidth, matrix.Values["blk.1.ffn_down_exps.weight"].Length);
        Assert.DoesNotContain("output.weight", matrix.Values.Keys);

        ImportanceMatrix again = ImportanceMatrix.Collect(model, ids, 20, three);
        foreach ((string name, float[] values) in matrix.Values)
            Assert.Equal(values, again.Values[name]);
        using TemporaryFolder folder = new();
        matrix.Write(folder["i.gguf"], "text");
        ImportanceMatrix read = ImportanceMatrix.Read(folder["i.gguf"]);
        Assert.Equal(matrix.Values.Keys.Order(), read.Values.Keys.Order());
        foreach ((string name, float[] values) in matrix.Values)
            Assert.Equal(values, read.Values[name]);
    }

    [Fact]
    public void WhatCannotBeMeasuredIsRefused()
    {
        using Decoder model = ModelFolder.ReadDecoder(Golden("llama"));
        using Workers workers = new(1);
        Assert.Contains("windows have 1 to 128 ids, but 129 are asked for",
            Assert.Throws<ArgumentException>(() => ImportanceMatrix.Collect(model, new int[200], 129, workers)).Message, StringComparison.Ordinal);
        Assert.Contains("must fill a window of 20 ids, but have 19", Assert.Throws<ArgumentException>(() => ImportanceMatrix.Collect(model, new int[19], 20, workers)).Message,
            StringComparison.Ordinal);
    }
}
