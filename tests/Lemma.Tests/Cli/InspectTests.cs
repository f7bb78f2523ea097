using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Cli.Inspection;
using Lemma.Models;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary><c>lemma inspect</c> of folders of all families, of single files and of configs.</summary>
[Collection("console")]
public class InspectTests
{
    public static TheoryData<string> Families => [.. Directory.EnumerateDirectories(Golden("checkpoints", "")).Select(folder => Path.GetFileName(folder)!)
        .Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Families))]
    public void EveryFamilyIsShownInLinesThatFit(string family)
    {
        string folder = Golden("checkpoints", family);
        Inspected inspected = Inspected.Read(folder);
        using Model model = ModelFolder.Read(folder);
        Assert.Equal(model.Parameters.Count, inspected.Parameters);
        // Every row of every parameter has a tensor.
        Assert.Equal(inspected.Parameters, inspected.Contents.Places.Sum(place => place.Tensor.Count));
        Assert.Equal(model.Parameters.Count, PartTree.Of(inspected.Contents.Parameters).Count);
        foreach (int width in (int[])[40, 80, 160])
        {
            using StringWriter text = new();
            new InspectionText(text, width).Write(inspected);
            string[] lines = text.ToString().TrimEnd('\n').Split('\n');
            Assert.All(lines, line => Assert.True(line.Length <= width, $"{line.Length} > {width}: {line}"));
            Assert.Contains(lines, line => line.Contains("embedding", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void BlocksAreOnePartAndTensorsOneLine()
    {
        (int code, string output, string error) = RunWith("", "inspect", Golden("checkpoints", "llama"));
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("family      llama, decoder\n", output, StringComparison.Ordinal);
        Assert.Contains("parameters  27,808, 111 kB as float32\n", output, StringComparison.Ordinal);
        Assert.Contains("0–1 (× 2)", output, StringComparison.Ordinal);
        Assert.Contains("qkv  weight [64, 32]", output, StringComparison.Ordinal);
        Assert.Contains("model.layers.*.self_attn.k_proj.weight [16, 32] → blocks.*.attention.qkv.weight rows 32–47 (× 2)\n", output, StringComparison.Ordinal);
        Assert.Contains("tokenizer   none\n", output, StringComparison.Ordinal);
        Assert.Contains("template    no\n", output, StringComparison.Ordinal);
        Assert.Contains("c_attn.weight [32, 96] → blocks.*.attention.qkv.weight transposed (× 2)\n", RunWith("", "inspect", Golden("checkpoints", "gpt2")).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void TheCacheIsWhatAStateTakes()
    {
        foreach (string family in (string[])["llama", "mistral-window", "deepseek-v3", "t5"])
        {
            ModelContents contents = ModelContents.Read(Golden("checkpoints", family));
            Assert.True(contents.HasState);
            Assert.True(contents.StateBytes(192) > 0);
            using Model model = ModelFolder.Read(Golden("checkpoints", family));
            if (model is not Decoder decoder)
                continue;
            using Lemma.Compute.Workers workers = new(1);
            using Lemma.Tensors.Tape tape = new(workers, model.Parameters) { Recording = false };
            using Lemma.Sequences.SequenceState state = decoder.NewState();
            decoder.Hidden(tape, Lemma.Sequences.Rows.One(new int[50], state));
            Assert.Equal(state.Bytes, contents.StateBytes(50));
        }
        Assert.False(ModelContents.Read(Golden("checkpoints", "bert")).HasState);
    }

    [Fact]
    public void JsonHasEveryParameterAndTensor()
    {
        using JsonDocument json = JsonDocument.Parse(RunWith("", "inspect", Golden("checkpoints", "gpt2"), "--json").Output);
        JsonElement root = json.RootElement;
        Assert.Equal("gpt2", root.GetProperty("family").GetString());
        Assert.Equal("decoder", root.GetProperty("kind").GetString());
        Assert.Equal(root.GetProperty("parameters").GetInt64(), root.GetProperty("parts").EnumerateArray().Sum(part =>
            part.GetProperty("parameters").GetInt64()));
        JsonElement attention = root.GetProperty("tensors").EnumerateArray().First(tensor =>
            tensor.GetProperty("name").GetString() == "transformer.h.1.attn.c_attn.weight");
        Assert.Equal("blocks.1.attention.qkv.weight", attention.GetProperty("parameter").GetString());
        Assert.True(attention.GetProperty("transposed").GetBoolean());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("tokenizer").ValueKind);
    }

    [Fact]
    public void SingleFilesAndConfigsAreShown()
    {
        string output = RunWith("", "inspect", Path.Combine(Golden("checkpoints", "llama"), "model.safetensors")).Output;
        Assert.Contains("model.layers.1.self_attn.q_proj.weight  F32 [32, 32]", output, StringComparison.Ordinal);
        Assert.DoesNotContain("family", output, StringComparison.Ordinal);
        output = RunWith("", "inspect", Golden("gguf", "all.gguf")).Output;
        Assert.Contains("metadata\n", output, StringComparison.Ordinal);
        Assert.Contains("format = pt", RunWith("", "inspect", Path.Combine(Golden("checkpoints", "gpt2"), "model.safetensors")).Output, StringComparison.Ordinal);
        output = RunWith("", "inspect", Path.Combine(Golden("checkpoints", "bert"), "config.json")).Output;
        Assert.Contains("bert, encoder\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("tensors of the file", output, StringComparison.Ordinal);
        Assert.Contains("single", RunWith("", "inspect", Golden("pytorch", "archive.bin")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ATokenizerAndATemplateAreNamed()
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["config.json", "model.safetensors"])
            File.Copy(Path.Combine(Golden("checkpoints", "llama"), name), folder[name]);
        folder.Write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\nb\n");
        folder.Write("chat_template.jinja", "{{ messages }}");
        string output = RunWith("", "inspect", folder[""]).Output;
        Assert.Contains("tokenizer   word piece, 7 ids\n", output, StringComparison.Ordinal);
        Assert.Contains("template    yes\n", output, StringComparison.Ordinal);
        folder.Write("tokenizer.json", "{");
        Assert.Contains("tokenizer   tokenizer.json", RunWith("", "inspect", folder[""]).Output, StringComparison.Ordinal);
        // A folder whose weights have not come is a config.
        File.Delete(folder["model.safetensors"]);
        Assert.Contains("parameters  27,808", RunWith("", "inspect", folder[""]).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none", "there is no folder 'none'")]
    [InlineData("{dir}", "has no config.json")]
    [InlineData("{dir}/c.json", "c.json: the model type 'x' is not supported")]
    [InlineData("{dir}/short.safetensors", "short.safetensors: truncated")]
    public void WhatIsWrongIsSaidInOneSentence(string path, string sentence)
    {
        using TemporaryFolder folder = new();
        folder.Write("c.json", """{"model_type": "x"}""");
        folder.Write("short.safetensors", new byte[3]);
        (int code, string output, string error) = RunWith("", "inspect", path.Replace("{dir}", folder[""], StringComparison.Ordinal));
        Assert.Equal((1, ""), (code, output));
        Assert.StartsWith("lemma inspect: ", error, StringComparison.Ordinal);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    private static string Golden(string kind, string name) => Path.Combine(AppContext.BaseDirectory, "Golden", kind, name);
}
