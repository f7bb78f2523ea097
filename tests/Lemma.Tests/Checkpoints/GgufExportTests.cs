using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Checkpoints;

/// <summary>The reference checkpoints written as GGUF files and read back; which tensor of a mix gets which type.</summary>
public sealed class GgufExportTests : IDisposable
{
    // Some families have no architecture of GGUF here; the others have a choice that none of its values says.
    private static readonly Dictionary<string, string> Refused = new()
    {
        ["bart"] = "the family bart is none of the architectures",
        ["cohere2"] = "as cohere2: config.stack.blocks",
        ["opt"] = "the family opt is none of the architectures",
        ["nanochat"] = "the family nanochat is none of the architectures",
        ["mistral-window"] = "as llama: config.stack.blocks",
        ["t5-gated"] = "as t5: config.head.scale",
        ["t5"] = "as t5: config.encoder.bias.maximum_distance",
        ["gemma3"] = "as gemma3: config.stack.blocks",
        ["smollm3"] = "as smollm3: config.stack.blocks",
    };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => [.. Directory.EnumerateDirectories(Checkpoints).Select(path => Path.GetFileName(path)).Order()];

    private static string Checkpoints => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints");

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void WhatIsWrittenIsReadBackWithTheSameBits(string name)
    {
        using Model model = ModelFolder.Read(Path.Combine(Checkpoints, name));
        using Workers workers = new(2);
        string path = folder["x.gguf"];
        if (Refused.TryGetValue(name, out string? reason))
        {
            Assert.Contains(reason,
                Assert.Throws<ArgumentException>(() => GgufFile.Write(path, model, GgufMix.Find("f32"), [], workers)).Message, StringComparison.Ordinal);
            Assert.False(File.Exists(path));
            return;
        }
        GgufWritten written = GgufFile.Write(path, model, GgufMix.Find("F32"), [], workers);
        Assert.All(written.Rounding, tensor => Assert.Equal(0, tensor.SquaredError));
        using Model read = ModelFolder.Read(path);
        if (model is not Encoder)
            Assert.Null(ConfigComparison.Difference(model.AnyConfig, read.AnyConfig));
        else
            Assert.NotEmpty(written.LeftOut);
        foreach (Parameter parameter in read.Parameters.All)
        {
            // Gains that are stored with one more are rounded by that, as are rates that are stored as −eˣ.
            float tolerance = (written.Architecture is "gemma2" or "gemma3" or "qwen3next" or "qwen35" && parameter.Name.EndsWith("norm.weight", StringComparison.Ordinal))
                || parameter.Name.EndsWith("decay_rate", StringComparison.Ordinal) ? 1e-6f : 0;
            float[] given = read.Parameters.Weights(parameter).ToArray();
            // Rows of positions before the first one are not written.
            Assert.Equal(model.Parameters.Weights(model.Parameters[parameter.Name])[^given.Length..].ToArray(), given, (one, other) => Math.Abs(one - other) <= tolerance);
        }
        if (model is Encoder encoder)
            Assert.Equal(RowsOf(encoder, workers), RowsOf((Encoder)read, workers));
        string[] others = [.. model.Parameters.All.Select(parameter => parameter.Name).Except(read.Parameters.All.Select(parameter => parameter.Name))];
        Assert.Equal(written.LeftOut.Order(), others.Order());
    }

    private static float[] RowsOf(Encoder encoder, Workers workers)
    {
        using Tape tape = new(workers, encoder.Parameters) { Recording = false };
        return tape[encoder.Hidden(tape, Rows.One(new[] { 5, 17, 42, 8, 77, 3, 91, 30, 12, 64, 29 }))].ToArray();
    }

    [Fact]
    public void AModelInPanelsIsWrittenAsTheSameBytes()
    {
        using Model model = ModelFolder.Read(Path.Combine(Checkpoints, "qwen3-moe"));
        using Workers workers = new(2);
        GgufFile.Write(folder["rows.gguf"], model, GgufMix.Find("Q8_0"), [], workers);
        model.Parameters.Pack(workers);
        GgufFile.Write(folder["panels.gguf"], model, GgufMix.Find("Q8_0"), [], workers);
        Assert.True(File.ReadAllBytes(folder["rows.gguf"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["panels.gguf"])));
    }

    [Theory]
    [InlineData("Q4_K_M", "Q4_K: output.weight Q6_K; attn_v Q6_K at 1 2 5 7 ; ffn_down Q6_K at 1 2 5 7 ", 8)]
    [InlineData("Q5_K_M", "Q5_K: output.weight Q6_K; attn_v Q6_K at 1 2 5 7 ; ffn_down Q6_K at 1 2 5 7 ", 8)]
    [InlineData("Q4_K", "Q4_K: output.weight Q6_K; attn_v Q6_K at ; ffn_down Q6_K at ", 8)]
    [InlineData("Q8_0", "Q8_0: output.weight Q8_0; attn_v Q6_K at ; ffn_down Q6_K at ", 8)]
    public void AMixGivesSomeTensorsMoreBits(string name, string expected, int blocks)
    {
        GgufMix mix = GgufMix.Find(name);
        string Type(string tensor, int columns = 256) => mix.TypeOf(tensor, [512, columns], blocks, 0, hasHead: true);
        string At(string tensor) => string.Concat(Enumerable.Range(0, blocks).Where(i => Type($"blk.{i}.{tensor}.weight") == "Q6_K" && Type("blk.0.attn_q.weight") != "Q6_K")
            .Select(i => $"{i} "));
        if (name is "Q4_K_M" or "Q5_K_M")
            expected = expected.Replace("1 2 5 7", string.Join(' ', Enumerable.Range(0, blocks).Where(i => i < blocks / 8 || i >= 7 * blocks / 8 || (i - blocks / 8) % 3 == 2)),
                StringComparison.Ordinal);
        Assert.Equal(expected, $"{Type("blk.0.attn_q.weight")}: output.weight {Type("output.weight")}; attn_v Q6_K at {At("attn_v")}; ffn_down Q6_K at {At("ffn_down")}");
        Assert.Equal("F32", Type("blk.0.attn_norm.weight"));
        Assert.Equal("F32", Type("blk.0.ffn_gate_inp.weight"));
        Assert.Equal("F32", mix.TypeOf("output_norm.weight", [512], blocks, 0, true));
        Assert.Equal("F16", Type("blk.0.attn_q.weight", columns: 40));
        Assert.Equal(name switch { "Q5_K_M" => "Q5_1", "Q8_0" => "Q8_0", _ => "Q5_0" }, Type("blk.0.attn_q.weight", columns: 64));
        Assert.Contains("not as 'Q3'", Assert.Throws<ArgumentException>(() => GgufMix.Find("Q3")).Message, StringComparison.Ordinal);
    }
}
