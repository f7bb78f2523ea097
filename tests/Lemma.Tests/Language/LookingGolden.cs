using System.Text.Json;

namespace Lemma.Tests.Language;

/// <summary>What transformers gives where the library looks (bench/golden/make_looking.py), and the tiny BERT with the vocabulary that it was asked with.</summary>
internal static class LookingGolden
{
    public static JsonElement Root { get; } =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "looking.json"))).RootElement;

    public static string[] Texts => [.. Root.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)];

    public static string Checkpoint(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", name);

    public static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];

    /// <summary>Writes the tiny BERT, with pooling as sentence-transformers says it.</summary>
    public static string WriteBert(TemporaryFolder folder, string pooling, string[]? modules = null, string? lengths = null)
    {
        WriteModel(folder, "bert");
        modules ??= ["Transformer", "Pooling"];
        folder.Write("modules.json", $"[{string.Join(',', modules.Select((name, i) => $$"""
            {"idx": {{i}}, "name": "{{i}}", "path": "{{(name == "Transformer" ? "" : $"{i}_{name}")}}", "type": "sentence_transformers.models.{{name}}"}
            """))}]");
        folder.Write("1_Pooling/config.json", pooling);
        if (lengths is not null)
            folder.Write("sentence_bert_config.json", lengths);
        return folder[""];
    }

    /// <summary>Writes a checkpoint with the vocabulary as its tokenizer.</summary>
    public static string WriteModel(TemporaryFolder folder, string name)
    {
        foreach (string file in (string[])["config.json", "model.safetensors"])
            File.Copy(Path.Combine(Checkpoint(name), file), folder[file], overwrite: true);
        folder.Write("vocab.txt", string.Concat(Root.GetProperty("vocabulary").EnumerateArray().Select(piece => piece.GetString() + "\n")));
        return folder[""];
    }

    /// <summary>A pooling file with one way.</summary>
    public static string Pooling(params string[] ways) => ways.Contains("mean_tokens") ? Ways(ways)
        : Ways(ways).Replace("\"include", "\"pooling_mode_mean_tokens\": false, \"include", StringComparison.Ordinal);

    private static string Ways(string[] ways) =>
        $$"""{"word_embedding_dimension": 32, {{string.Join(", ", ways.Select(way => $"\"pooling_mode_{way}\": true"))}}, "include_prompt": true}""";
}
