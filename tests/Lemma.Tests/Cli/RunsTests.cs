using System.Text.Json;
using System.Xml.Linq;
using Lemma.Cli.Runs;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>What a run's folder says of it, plans of runs, and lemma runs.</summary>
[Collection("console")]
public sealed class RunsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string train;

    public RunsTests() => train = $"train --data {folder.Write("text.txt", string.Concat(Enumerable.Range(0, 80).Select(i => $"{i} and {i * i}.\n")))} --char --eval-every 2 "
        + "--layers 1 --heads 2 --width 16 --length 8 --batch 2 --threads 1";

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ARunSaysWhatItIsWhereItWasMadeAndWithWhichData()
    {
        Good($"{train} --steps 4 --out {folder["one"]}");
        Good($"{train.Replace("--threads 1", "--threads 2", StringComparison.Ordinal)} --steps 4 --out {folder["two"]}");
        using (JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(folder["one/run.json"])))
        {
            JsonElement root = json.RootElement, process = root.GetProperty("processes")[0];
            Assert.Equal("train", root.GetProperty("command").GetString());
            Assert.Equal(1, root.GetProperty("data").GetProperty("examples").GetInt64());
            Assert.Equal("4", root.GetProperty("options").GetProperty("--steps")[0].GetString());
            Assert.Equal(1, process.GetProperty("threads").GetInt32());
            Assert.Contains(process.GetProperty("vector_bits").GetInt32(), (int[])[128, 256, 512]);
            foreach (string name in (string[])["began", "lemma", "processor", "system", "runtime"])
                Assert.NotEqual("", process.GetProperty(name).GetString());
        }
        foreach (string file in Directory.EnumerateFiles(folder["one"], "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder["one"], file))
            .Where(file => file is not ("run.json" or "timings.jsonl")))
            Assert.True(File.ReadAllBytes(Path.Combine(folder["one"], file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(folder["two"], file))), file);
        Assert.Equal(RunRecord.Read(folder["one"])!.Data, RunRecord.Read(folder["two"])!.Data);
    }

    [Fact]
    public void GoingOnWithOtherDataIsRefusedAndWithTheSameIsNoted()
    {
        Good($"{train} --steps 4 --out {folder["run"]}");
        string text = File.ReadAllText(folder["text.txt"]);
        // Of the same length, so that nothing else would notice.
        File.WriteAllText(folder["text.txt"], text.Replace("79 and", "78 and", StringComparison.Ordinal));
        string before = File.ReadAllText(folder["run/run.json"]), error = Bad(1, $"train --resume --out {folder["run"]}");
        Assert.Contains("lemma train: --resume: the data are not those that the run in", error, StringComparison.Ordinal);
        Assert.Contains("then 1 examples with the fingerprint ", error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(folder["run/run.json"]));
        File.WriteAllText(folder["text.txt"], text);
        Good($"train --resume --out {folder["run"]}");
        Assert.Equal(2, RunRecord.Read(folder["run"])!.Processes.Count);
        Assert.Contains("\"from_step\": 4", File.ReadAllText(folder["run/run.json"]), StringComparison.Ordinal);
        File.Delete(folder["run/run.json"]);
        Good($"train --resume --out {folder["run"]}");
        folder.Write("run/run.json", "{}");
        Assert.Contains("run.json: it is no record that a run wrote", Bad(1, $"train --resume --out {folder["run"]}"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train --average 0.9")]
    [InlineData("sft --lora 2 --examples 300 --rows 256")]
    [InlineData("dpo --examples 100 --rows 256")]
    [InlineData("mlm --examples 100 --width 32 --layers 1 --heads 2 --vocab 400 --rows 256")]
    [InlineData("grpo --examples 40 --prompts 2 --group 2 --answer-length 4")]
    public void APlanSaysWhatARunTakesAndWritesNothing(string line)
    {
        string kind = line.Split(' ')[0], full = kind switch
        {
            "train" => train + line["train".Length..],
            "mlm" => line,
            _ => $"{line} --model {WriteModel(folder, "base")}",
        };
        string output = Good($"{full} --dry-run --steps 50 --out {folder["x"]}");
        foreach (string part in (string[])["parameters", "of them learn", "tokens of a step", " in 50 steps, ", "memory: weights", "gradients", "moments", "activations",
            "tokens/s", "a step, "])
            Assert.Contains(part, output, StringComparison.Ordinal);
        Assert.Equal(kind == "train", output.Contains("average of the weights", StringComparison.Ordinal));
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void APlanMayBeMadeForAFolderThatHoldsARun()
    {
        Good($"{train} --steps 2 --out {folder["run"]}");
        Good($"{train} --steps 2 --dry-run --out {folder["run"]}");
        Assert.Contains("--dry-run and --resume exclude each other", Bad(2, $"train --resume --dry-run --out {folder["run"]}"), StringComparison.Ordinal);
    }

    [Fact]
    public void RunsAreListedComparedAndDrawn()
    {
        Good($"{train} --steps 4 --out {folder["runs/a"]}");
        Good($"{train} --steps 6 --learning-rate 0.01 --out {folder["runs/deep/b<1>"]}");
        // A run that is being made: its last line is not whole.
        File.AppendAllText(folder["runs/a/metrics.jsonl"], "{\"step\":5,\"lo");
        string list = Good($"runs {folder["runs"]}");
        Assert.Equal(3, list.TrimEnd().Split('\n').Length);
        Assert.Matches(@"runs/a +train +[\d,]+ +4 +validation loss \d\.\d{4} at \d +[\d,]+ +\d{4}-\d\d-\d\d \d\d:\d\d\n", list);
        string comparison = Good($"runs {folder["runs/a"]} {folder["runs/deep/b<1>"]} --svg {folder["loss.svg"]}");
        Assert.Matches(@"--learning-rate +- +0\.01\n", comparison);
        Assert.DoesNotContain("--char", comparison, StringComparison.Ordinal);
        Assert.Matches(@"runs/a: loss to step 4\n +\d\.\d{4} ", comparison);
        XNamespace svg = "http://www.w3.org/2000/svg";
        XElement picture = XDocument.Load(folder["loss.svg"]).Root!;
        XElement[] lines = [.. picture.Elements(svg + "polyline")];
        Assert.Equal([4, 6], lines.Select(line => line.Attribute("points")!.Value.Split(' ').Length));
        Assert.Contains(picture.Elements(svg + "text"), text => text.Value.EndsWith("b<1>", StringComparison.Ordinal));
        Assert.Equal("#ffffff", picture.Element(svg + "rect")!.Attribute("fill")!.Value);
        string[] objects = Good($"runs {folder["runs"]} --metric validation_loss --json").TrimEnd().Split('\n');
        using JsonDocument json = JsonDocument.Parse(objects[1]);
        Assert.Equal([2, 4, 6], json.RootElement.GetProperty("steps").EnumerateArray().Select(step => step.GetInt32()));
        Assert.Equal("0.01", json.RootElement.GetProperty("options").GetProperty("--learning-rate").GetString());
        Assert.Contains("--metric: no run has 'reward'; there are loss, learning_rate, gradient_norm, validation_loss", Bad(1, $"runs {folder["runs"]} --metric reward"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoRunIsSaid()
    {
        folder.Write("empty/a.txt", "a");
        Assert.Contains("there is no run beneath", Bad(1, $"runs {folder["empty"]}"), StringComparison.Ordinal);
        Assert.Contains("lemma runs: there is no folder 'none'", Bad(1, "runs none"), StringComparison.Ordinal);
        Good($"{train} --steps 2 --out {folder["run"]}");
        Assert.Contains("is no run: it has neither run.json nor metrics.jsonl nor a last checkpoint", Bad(1, $"runs {folder["run"]} {folder["empty"]}"), StringComparison.Ordinal);
        Assert.Contains("'none' is no run: there is no such folder", Bad(1, $"runs {folder["run"]} none"), StringComparison.Ordinal);
        File.AppendAllText(folder["run/metrics.jsonl"], "{\"loss\":1}\n");
        Assert.Contains("metrics.jsonl: line 4 is none that a run wrote", Bad(1, $"runs {folder["run"]}"), StringComparison.Ordinal);
    }
}
