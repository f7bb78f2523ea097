using Lemma.Cli.Parsing;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>Options in files of YAML and JSON, and the file that each run writes of its own.</summary>
[Collection("console")]
public sealed class OptionsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ARunIsBegunAgainFromItsOwnFileToTheSameBytes()
    {
        string model = WriteModel(folder, "base");
        Good($"sft --model {model} --examples 60 --steps 4 --eval-every 2 --rows 512 --loss-on all --prefix --seed 7 --out {folder["one"]}");
        string written = File.ReadAllText(folder["one/options.yaml"]);
        Assert.Contains("\nprefix: true\n", written, StringComparison.Ordinal);
        Assert.Contains("\nseed: 7\n", written, StringComparison.Ordinal);
        Assert.DoesNotContain("out:", written, StringComparison.Ordinal);
        Good($"sft --options {folder["one/options.yaml"]} --out {folder["two"]}");
        Good($"sft --options {folder["one/options.yaml"]} --seed 8 --out {folder["other"]}");
        Good($"sft --resume --options {folder["one/options.yaml"]} --out {folder["one"]}");
        Assert.Contains("the run was started with --seed 8, not --seed 7", Bad(2, $"sft --resume --options {folder["one/options.yaml"]} --out {folder["other"]}"),
            StringComparison.Ordinal);
        foreach (string file in (string[])["best/model.safetensors", "best/config.json", "last/training_state.safetensors", "metrics.jsonl", "options.yaml"])
        {
            byte[] bytes = File.ReadAllBytes(folder[$"one/{file}"]);
            Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(folder[$"two/{file}"])), file);
        }
        Assert.False(File.ReadAllBytes(folder["one/metrics.jsonl"]).AsSpan().SequenceEqual(File.ReadAllBytes(folder["other/metrics.jsonl"])));
        Assert.Contains("\nseed: 8\n", File.ReadAllText(folder["other/options.yaml"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("options.yaml", "data: [{0}]\nchar: true\nsteps: 2 # few\nlayers: 1\nheads: 2\nwidth: 16\nlength: 8\nbatch: 2\nrandom-windows: false\n")]
    [InlineData("tabs.json", "{{\n\t\"data\": [\n\t\t\"{0}\"\n\t],\n\t\"char\": true, \"steps\": 2,\r\n\t\"layers\": 1, \"heads\": 2, \"width\": 16, \"length\": 8, \"batch\": 2\n}}\n")]
    [InlineData("options.json", "{{\"data\": [\"{0}\"], \"char\": true, \"steps\": 2, \"layers\": 1,\n \"heads\": 2, \"width\": 16, \"length\": 8, \"batch\": \"2\", \"random-windows\": false}}")]
    public void YamlAndJsonAreReadAndTheLineGoesFirst(string name, string content)
    {
        string data = folder.Write("text.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"{i} and so on.\n")));
        string file = folder.Write(name, string.Format(System.Globalization.CultureInfo.InvariantCulture, content, data));
        Assert.Contains("steps                   2 of 2".Replace("                   ", "", StringComparison.Ordinal),
            Good($"train --options {file} --out {folder["file"]}").Replace(" ", "", StringComparison.Ordinal).Replace("2of2", "2 of 2", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.Contains("3 of 3", Good($"train --options {file} --steps 3 --out {folder["line"]}"), StringComparison.Ordinal);
        Good($"train --data {data} --char --steps 2 --layers 1 --heads 2 --width 16 --length 8 --batch 2 --out {folder["flags"]}");
        foreach (string same in (string[])["best/model.safetensors", "options.yaml", "metrics.jsonl"])
            Assert.Equal(File.ReadAllBytes(folder[$"flags/{same}"]), File.ReadAllBytes(folder[$"file/{same}"]));
    }

    [Theory]
    [InlineData("steps: 2\nlerning-rate: 1e-3\n", 2, "line 2: there is no option 'lerning-rate'; the nearest is 'learning-rate'")]
    [InlineData("--steps: 2\n", 2, "line 1: there is no option '--steps'; the nearest is 'steps'")]
    [InlineData("options: more.yaml\n", 2, "line 1: there is no option 'options'")]
    [InlineData("steps: 2\nsteps: 3\n", 2, "'steps'")]
    [InlineData("steps: 2\nseed: 1\nbatch: x\n", 2, "line 3: --batch: a whole number of at least 1 is needed, but 'x' was given")]
    [InlineData("char: yes\n", 2, "line 1: 'char' must be true or false")]
    [InlineData("steps:\n", 2, "line 1: 'steps' has no value")]
    [InlineData("data: []\n", 2, "line 1: 'data' has no value")]
    [InlineData("data: {a: b}\n", 2, "line 1: 'data' must be a text, a number, true, false or a list of these")]
    [InlineData("- steps\n", 2, "line 1: names with values are needed")]
    [InlineData("steps: [2\n", 1, "line ")]
    [InlineData("steps: 2\n---\nsteps: 3\n", 2, "a second document stands in it")]
    [InlineData("", 2, "--data is needed")]
    public void WhatIsWrongIsSaidWithItsLine(string content, int code, string sentence)
    {
        string error = Bad(code, $"train --options {folder.Write("o.yaml", content)} --out {folder["x"]}");
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.StartsWith("lemma train: ", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void AFileThatIsNotThereIsNamed() =>
        Assert.Contains("--options: there is no file 'none.yaml'", Bad(2, $"sft --options none.yaml --out {folder["x"]}"), StringComparison.Ordinal);

    [Fact]
    public void TextsThatYamlCouldTakeForSomethingElseAreQuoted()
    {
        SortedDictionary<string, string[]> given = new(StringComparer.Ordinal)
        {
            ["--a"] = ["x: y"],
            ["--b"] = ["true", "1e-3"],
            ["--c"] = ["\"*\\"],
            ["--d"] = [],
        };
        Assert.Equal("a: \"x: y\"\nb: [\"true\", 1e-3]\nc: \"\\\"*\\\\\"\nd: true\n", OptionsFile.ToYaml("train", given).Split('\n', 2)[1]);
    }
}
