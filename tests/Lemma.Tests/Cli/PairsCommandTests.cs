using System.Text.Json;
using Lemma.Language;
using Lemma.Models;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma pairs: what it writes is read by lemma embed, with the pooling that the model's folder had.</summary>
[Collection("console")]
public sealed class PairsCommandTests : IDisposable
{
    private const string Few = "--examples 80 --steps 4 --eval-every 2 --warmup 1 --rows 512 --threads 1";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AFolderOfSentenceTransformersIsTunedAndIsOneAgain()
    {
        string source = WriteBert("bert", ["Transformer", "Pooling", "Normalize"], "pooling_mode_cls_token");
        folder.Write("bert/sentence_bert_config.json", """{"max_seq_length": 40, "do_lower_case": true}""");
        folder.Write("bert/config_sentence_transformers.json", """{"prompts": {"query": "the "}, "default_prompt_name": "query"}""");
        string output = Good($"pairs --model {source} {Few} --out {folder["run"]}");
        Assert.Contains("80 examples read, 80 kept", output, StringComparison.Ordinal);
        Assert.Matches(@"correlation with the scores +-?\d\.\d+ before, -?\d\.\d+ after", output);
        Assert.Contains("  tom\n", Good($"embed {folder["run"]} tom cat dog"), StringComparison.Ordinal);
        using (EmbeddingModel model = EmbeddingModel.Load(folder["run/best"], threads: 1))
        {
            Assert.Equal((32, 40, true), (model.Width, model.MaximumLength, model.Normalizes));
            Assert.Equal([PoolingMode.First], model.Modes);
            using EmbeddingModel before = EmbeddingModel.Load(source, threads: 1);
            Assert.NotEqual(before.Embed(["The cat"])[0], model.Embed(["The cat"])[0]);
        }
        Assert.Equal(File.ReadAllBytes(folder["bert/config_sentence_transformers.json"]), File.ReadAllBytes(folder["run/best/config_sentence_transformers.json"]));
        using JsonDocument modules = JsonDocument.Parse(File.ReadAllBytes(folder["run/best/modules.json"]));
        Assert.Equal(["", "1_Pooling", "2_Normalize"], modules.RootElement.EnumerateArray().Select(module => module.GetProperty("path").GetString()));
        Assert.DoesNotContain(" before, ", Good($"pairs --resume --out {folder["run"]}"), StringComparison.Ordinal);
    }

    [Fact]
    public void APlainModelLearnsFromFilesWithAnyPooling()
    {
        string model = WriteModel(folder, "decoder");
        string pairs = folder.Write("pairs.jsonl", string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"anchor\":\"Tom has {i} coins.\",\"positive\":\"{i} are Tom's.\"}}\n")));
        string line = $"pairs --model {model} --data {pairs} --loss contrast --steps 2 --eval-every 2 --warmup 0 --rows 4096 --threads 1";
        Assert.Matches(@"partners that are the nearest +\d\.\d+ before, \d\.\d+ after", Good($"{line} --pooling last --out {folder["run"]}"));
        using (EmbeddingModel tuned = EmbeddingModel.Load(folder["run/best"], threads: 1))
            Assert.Equal([PoolingMode.Last], tuned.Modes);
        string some = Good($"pairs --model {model} {Few} --loss contrast --out {folder["built-in"]}");
        Assert.Contains("left out: score below 1", some, StringComparison.Ordinal);
        Assert.Contains("gradients", Good($"pairs --model {model} {Few} --dry-run --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.Contains("all pairs for training have the score 1", Bad(1, $"pairs --model {model} --data {pairs} --out {folder["x"]}"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void WhatIsWrongIsSaidInOneSentence()
    {
        Says(2, "--model is needed", "pairs");
        Says(1, "model: 'none' must be a folder", "pairs --model none");
        Says(2, "Argument 'sum' not recognized", "pairs --model none --loss sum");
        Says(1, "rows are pooled by Maximum, but only their mean, the first or the last are tuned",
            $"pairs --model {WriteBert("most", ["Transformer", "Pooling"], "pooling_mode_max_tokens")}");
        Assert.Contains("Examples:\n", Good("pairs --help"), StringComparison.Ordinal);

        void Says(int code, string sentence, string line) => Assert.Contains(sentence, Bad(code, $"{line} --out {folder["x"]}"), StringComparison.Ordinal);
    }

    private string WriteBert(string name, string[] modules, string way)
    {
        string checkpoint = Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", "bert");
        Directory.CreateDirectory(folder[name]);
        foreach (string file in (string[])["config.json", "model.safetensors"])
            File.Copy(Path.Combine(checkpoint, file), folder[$"{name}/{file}"]);
        string[] vocabulary = [.. Lemma.Tests.Language.LookingGolden.Root.GetProperty("vocabulary").EnumerateArray().Select(piece => piece.GetString()!)];
        folder.Write($"{name}/vocab.txt", string.Concat(vocabulary.Select(piece => piece + "\n")));
        folder.Write($"{name}/modules.json", $"[{string.Join(',', modules.Select((module, i) => $$"""
            {"idx": {{i}}, "name": "{{i}}", "path": "{{(module == "Transformer" ? "" : $"{i}_{module}")}}", "type": "sentence_transformers.models.{{module}}"}
            """))}]");
        folder.Write($"{name}/1_Pooling/config.json", $$"""{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": false, "{{way}}": true}""");
        return folder[name];
    }
}
