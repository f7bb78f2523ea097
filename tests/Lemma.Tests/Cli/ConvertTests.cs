using Lemma.Checkpoints;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Text.Templates;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma convert and imatrix: there and back, what every command makes of the file, and what is refused.</summary>
[Collection("console")]
public sealed class ConvertTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AModelGoesThereAndBackAndEveryCommandReadsIt()
    {
        string model = WriteModel(folder, "model", width: 256), text = folder.Write("text.txt", string.Concat(Enumerable.Repeat("The cat sat by the river and sang. ", 40)));
        folder.Write("model/chat_template.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
        string output = Good($"convert {model} {folder["a.gguf"]} --type f32 --text {text} --length 64");
        Assert.Contains("architecture       llama, F32\n", output, StringComparison.Ordinal);
        string[] perplexities = [.. output.Split('\n').Where(line => line.Contains("perplexity", StringComparison.Ordinal)).Select(line => line.Split("  ")[^1].Trim())];
        Assert.Equal(2, perplexities.Length);
        Assert.Equal(perplexities[0], perplexities[1]);
        Good($"convert {folder["a.gguf"]} {folder["back"]}");
        using Model one = ModelFolder.Read(model), other = ModelFolder.Read(folder["back"]);
        Assert.Equal(one.AnyConfig, other.AnyConfig);
        foreach (Weights.Parameter parameter in one.Parameters.All)
            Assert.True(one.Parameters.Weights(parameter).SequenceEqual(other.Parameters.Weights(other.Parameters[parameter.Name])));
        Assert.Equal("{% for m in messages %}{{ m.content }}{% endfor %}", ChatTemplate.Load(folder["back"]).Text);
        string said = Good($"generate {model} --prompt The-cat --tokens 12 --temperature 0");
        Assert.Equal(said, Good($"generate {folder["a.gguf"]} --prompt The-cat --tokens 12 --temperature 0"));
        Assert.Equal(said, Good($"generate {folder["back"]} --prompt The-cat --tokens 12 --temperature 0"));
        Assert.Contains("family      llama, decoder\n", Good($"inspect {folder["a.gguf"]}"), StringComparison.Ordinal);
        Assert.Contains("template    yes\n", Good($"inspect {folder["a.gguf"]}"), StringComparison.Ordinal);
        Assert.Contains("perplexity", Good($"eval {folder["a.gguf"]} --data {text} --length 64"), StringComparison.Ordinal);
        Good($"plan {folder["a.gguf"]}");
    }

    [Fact]
    public void ImportanceIsMeasuredAndUsed()
    {
        string model = WriteModel(folder, "model", width: 256), text = folder.Write("text.txt", string.Concat(Enumerable.Repeat("The cat sat by the river and sang. ", 60)));
        Assert.Contains("matrices  7\n", Good($"imatrix {model} --data {text} --out {folder["i.gguf"]} --length 32"), StringComparison.Ordinal);
        Good($"convert {model} {folder["plain.gguf"]} --type Q4_K");
        Assert.Contains("importance    of 7 of ", Good($"convert {model} {folder["weighed.gguf"]} --type Q4_K --imatrix {folder["i.gguf"]}"), StringComparison.Ordinal);
        using TensorFile plain = TensorFile.Open(folder["plain.gguf"]), weighed = TensorFile.Open(folder["weighed.gguf"]);
        Assert.Equal(plain.Tensors.Select(tensor => tensor.ToString()), weighed.Tensors.Select(tensor => tensor.ToString()));
        Assert.False(File.ReadAllBytes(folder["plain.gguf"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["weighed.gguf"])));
        Assert.Contains("there must be tensors that end in .in_sum2", Bad(1, $"convert {model} {folder["x.gguf"]} --imatrix {folder["plain.gguf"]}"), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["x.gguf"]));
    }

    [Fact]
    public void WhatIsWrongIsSaid()
    {
        string model = WriteModel(folder, "model");
        Assert.Contains("a model is written as F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K, Q4_K_M, Q5_K_M, not as 'Q3_K'", Bad(2, $"convert {model} {folder["a.gguf"]} --type Q3_K"),
            StringComparison.Ordinal);
        Assert.Contains("--type: it is for files that end in .gguf", Bad(2, $"convert {model} {folder["a"]} --type Q8_0"), StringComparison.Ordinal);
        Assert.Contains("must be a folder with a config.json, a GGUF file", Bad(1, $"convert none {folder["a.gguf"]}"), StringComparison.Ordinal);
        Assert.Contains("the architecture 'x' is not supported; supported are bert, bloom, cohere2, deepseek2",
            Bad(1, $"convert {folder.Write("x.gguf", Header("x"))} {folder["b"]}"), StringComparison.Ordinal);
        Assert.Contains("the architecture 'x' is not supported", Bad(1, $"plan {folder["x.gguf"]}"), StringComparison.Ordinal);
        Assert.Contains("the value llama.embedding_length is missing", Bad(1, $"generate {folder.Write("y.gguf", Header("llama"))} --prompt a"), StringComparison.Ordinal);
    }

    // A file of one value, the architecture, and for Llama how long it may be.
    private byte[] Header(string architecture)
    {
        GgufWriter.Write(folder["h.gguf"], [new("general.architecture", architecture), new($"{architecture}.context_length", 8u), new("tokenizer.ggml.model", "gpt2"),
            new("tokenizer.ggml.tokens", new[] { "a" }), new("tokenizer.ggml.merges", Array.Empty<string>())], []);
        return File.ReadAllBytes(folder["h.gguf"]);
    }
}
