using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>The tool as a shell sees it: exit codes, standard output and standard error.</summary>
[Collection("console")]
public class CommandLineTests
{
    private const string Small = "--length 8 --batch 2 --eval-every 2 --eval-batches 1 --warmup 1";
    private const string Tiny = $"--layers 1 --heads 2 --width 16 {Small} --threads 1";

    [Theory]
    [InlineData("train --layers x", 2, "lemma train: --layers: a whole number of at least 1 is needed, but 'x' was given")]
    [InlineData("train --dropout 1", 2, "lemma train: --dropout: a number of at least 0 and below 1 is needed, but '1' was given")]
    [InlineData("train --encoding klingon", 2, "--encoding: the name of an encoding")]
    [InlineData("train --preset huge", 2, "--preset: there is no 'huge'; there are gpt2-124m")]
    [InlineData("train --preset tiny --config c.json", 2, "--preset and --config exclude each other")]
    [InlineData("train --char --vocab 300", 2, "--char and --vocab exclude each other")]
    [InlineData("train --char --kv-heads 2 --data a", 2, "--kv-heads: gpt2 has as many")]
    [InlineData("train", 2, "lemma train: --data is needed")]
    [InlineData("train --force --resume --out none", 2, "--resume and --force exclude each other")]
    [InlineData("train --data none --validation 0", 2, "--validation: a number above 0 and below 1 is needed, but '0' was given")]
    [InlineData("train --resume --out none", 2, "--resume: the folder 'none' has no checkpoint")]
    [InlineData("train --data none.txt", 1, "lemma train: data: there is no file or folder 'none.txt'")]
    [InlineData("train --data none.txt --config none.json", 1, "model: there is no folder 'none.json'")]
    [InlineData("train --data none.txt --heads 6 --width 100", 1, "attention: 6 heads do not divide d_model 100")]
    [InlineData("train --data none.txt --minimum-learning-rate 1", 2, "it must be at most the highest rate, 0.001, but it is 1")]
    [InlineData("generate none", 1, "lemma generate: model: 'none' must be a folder with a config.json, a GGUF file, or a checkpoint of llama2.c")]
    [InlineData("generate", 2, "lemma generate: Required argument 'MODEL' missing")]
    [InlineData("eval none", 2, "lemma eval: either --data or --task is required")]
    [InlineData("embed none a", 1, "lemma embed: model: 'none' must be a folder with a config.json")]
    [InlineData("embed none --file none.txt", 1, "lemma embed: --file: there is no file 'none.txt'")]
    [InlineData("embed none a --json --table", 2, "lemma embed: --json and --table exclude each other")]
    [InlineData("embed none a --file b", 2, "lemma embed: --file: the texts are its lines, so none can be given beside it")]
    [InlineData("embed none 1 2 3 4 5 6 7 8 9 10 11", 2, "embed: 11 texts are many for a table: --json writes their vectors")]
    [InlineData("fill none a --top 0", 2, "lemma fill: --top: a whole number of at least 1 is needed, but '0' was given")]
    [InlineData("lens none a", 1, "lemma lens: model: 'none' must be a folder")]
    [InlineData("attention none a --json --png b", 2, "lemma attention: --json and --png exclude each other")]
    [InlineData("attention none a --layer -1", 2, "lemma attention: --layer: a whole number of at least 0 is needed, but '-1' was given")]
    [InlineData("bench train huge", 2, "lemma bench train: Argument 'huge' not recognized")]
    [InlineData("formulas softmaxx", 1, "lemma formulas: there is no 'softmaxx'; the nearest are softmax")]
    [InlineData("formulas --check none.json", 1, "lemma formulas: golden: there is no file 'none.json'")]
    [InlineData("formulas softmax --gradient", 2, "--gradient needs --input")]
    [InlineData("formulas alibi --input {} --gradient", 1, "lemma formulas: alibi: it has no gradient")]
    [InlineData("formulas mse --input {\"prediction\":[1],\"target\":[1,2]}", 1, "mse: target must have the shape [1], but it has [2]")]
    [InlineData("fly", 2, "lemma: Unrecognized command or argument 'fly'")]
    public void WhatIsWrongIsSaidInOneSentence(string line, int code, string sentence)
    {
        (int actual, string output, string error) = Run(line);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Equal(code, actual);
        Assert.Equal("", output);
        Assert.Equal(code == 2 && error.Contains("Try '", StringComparison.Ordinal) ? 2 : 1, error.TrimEnd().Split('\n').Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("quickstart")]
    [InlineData("train")]
    [InlineData("generate")]
    [InlineData("chat")]
    [InlineData("eval")]
    [InlineData("summarize")]
    [InlineData("inspect")]
    [InlineData("embed")]
    [InlineData("fill")]
    [InlineData("lens")]
    [InlineData("attention")]
    [InlineData("formulas")]
    [InlineData("bench")]
    [InlineData("bench train")]
    [InlineData("bench matmul")]
    public void EveryCommandHasHelpWithExamples(string command)
    {
        (int code, string output, string error) = Run($"{command} --help");
        Assert.Equal(0, code);
        Assert.Equal("", error);
        Assert.Contains("Usage:", output, StringComparison.Ordinal);
        Assert.Contains("Examples:", output, StringComparison.Ordinal);
        Assert.Contains($"\n  lemma {command}".TrimEnd(), output, StringComparison.Ordinal);
    }

    [Fact]
    public void FormulasAreListedShownEvaluatedAndChecked()
    {
        Assert.Contains("Preference\n", Run("formulas").Output, StringComparison.Ordinal);
        Assert.Contains("●●●", Run("formulas tanh").Output, StringComparison.Ordinal);
        (int code, string output, string error) = Run("formulas mse --input {\"prediction\":[1,3],\"target\":[0,1]} --gradient --json");
        Assert.Equal((0, ""), (code, error));
        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(output);
        Assert.Equal(2.5, json.RootElement.GetProperty("output").GetProperty("data")[0].GetDouble());
        Assert.Equal(2, json.RootElement.GetProperty("grads").GetProperty("prediction").GetProperty("data")[1].GetDouble());
        (code, output, _) = Run($"formulas --check {Path.Combine(AppContext.BaseDirectory, "Golden", "ops.json")}");
        Assert.Equal(0, code);
        Assert.EndsWith("96 passed, 0 failed\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void ARunIsTrainedRefusedResumedReplacedEvaluatedAndContinued()
    {
        using TemporaryFolder folder = new();
        string data = folder.Write("data.txt", string.Concat(Enumerable.Range(0,
            60).Select(i => $"{i % 7} and {i % 5} are {i % 7 + i % 5}.\n")));
        string run = folder["run"], train = $"train --data {data} --char --steps 4 {Tiny} --out {run}";

        (int code, string output, string error) = Run(train);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("step 4/4  loss", output, StringComparison.Ordinal);
        Assert.Contains("Training is done.", output, StringComparison.Ordinal);
        byte[] weights = File.ReadAllBytes(Path.Combine(run, "last", "model.safetensors"));

        (code, _, error) = Run(train);
        Assert.Equal((2, true), (code, error.Contains("exists already; --resume goes on with its run, --force begins anew",
            StringComparison.Ordinal)));
        (code, _, error) = Run($"train --resume --out {run} --steps 9");
        Assert.Equal((2, true), (code, error.Contains("the run was started with --steps 4, not --steps 9", StringComparison.Ordinal)));
        (code, _, error) = Run($"train --force --data {data} --heads 3 --out {run}");
        Assert.Equal((1, true), (code, error.Contains("3 heads do not divide", StringComparison.Ordinal)));
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(run, "last", "model.safetensors")));
        Assert.Equal(0, Run($"train --resume --out {run}").Code);
        Assert.Equal(0, Run($"{train.Replace("--threads 1", "--threads 2")} --force").Code);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(run, "last", "model.safetensors")));

        (code, output, error) = Run($"eval {run} --data {data} --stride 4");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("bits a byte", output, StringComparison.Ordinal);
        (code, output, error) = Run($"generate {run} --prompt 1 --tokens 5 --seed 3");
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("1", output, StringComparison.Ordinal);
        Assert.Equal(output, Run($"generate {run} --prompt 1 --tokens 5 --seed 3 --threads 2").Output);
        Assert.Contains("needs a prompt", Run($"generate {run}").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ACheckpointOfLlama2CIsContinuedTalkedToEvaluatedAndShown()
    {
        using TemporaryFolder folder = new();
        using (Lemma.Models.Decoder decoder = Checkpoints.Llama2CFile.Model(tied: true, ids: 262, length: 32))
            folder.Write("stories.bin", Checkpoints.Llama2CFile.Bytes(decoder));
        folder.Write("tok512.bin", Language.LanguageModelTests.TokenizerBytes);
        string data = folder.Write("data.txt", "a b ab ba");
        (string Generated, string Chatted, string Evaluated, string Shown)[] outputs = [.. ((string[])["stories.bin", ""]).Select(form =>
        {
            string model = folder[form];
            return (Said($"generate {model} --prompt ab --tokens 5"), Said($"chat {model} --tokens 5", "ab\n/text\n"),
                From("loss", Said($"eval {model} --data {data}")), From("family", Said($"inspect {model}")));
        })];
        Assert.Equal(outputs[0], outputs[1]);
        Assert.StartsWith("ab", outputs[0].Generated, StringComparison.Ordinal);
        Assert.Contains("\nab", outputs[0].Chatted, StringComparison.Ordinal);
        Assert.Contains("bits a byte", outputs[0].Evaluated, StringComparison.Ordinal);
        Assert.Contains("family      llama, decoder\n", outputs[0].Shown, StringComparison.Ordinal);
        Assert.Contains("tokenizer   bpe, 262 ids\n", outputs[0].Shown, StringComparison.Ordinal);

        // The title above is the path.
        static string From(string row, string text) => text[text.IndexOf(row, StringComparison.Ordinal)..];

        static string Said(string line, string input = "")
        {
            (int code, string output, string error) = Run(line, input);
            Assert.Equal((0, ""), (code, error));
            return output;
        }
    }

    [Theory]
    [InlineData("phi3")]
    [InlineData("qwen3")]
    [InlineData("llama")]
    public void AModelOfAConfigIsSavedAsTheConfigsFamilyWithTheEndsOfItsOwnTokenizer(string family)
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["one.txt", "two.txt"])
            folder.Write(Path.Combine("data", name), string.Concat(Enumerable.Repeat("a small text to learn from. ", 20)));
        // The config's ids end texts of another tokenizer.
        string config = folder.Write("config.json", File.ReadAllText(Golden(family)).Replace("\"eos_token_id\": 2", "\"eos_token_id\": [2, 5, 9]",
            StringComparison.Ordinal));
        Assert.Equal([2, 5, 9], Lemma.Checkpoints.ModelFolder.ReadDecoderConfig(config).EndIds);
        string train = $"train --config {config} --char --steps 2 {Small}";
        (int code, string output, string error) = Run($"{train} --data {folder["data"]} --out {folder["two"]}");
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith($"{family} model of ", output, StringComparison.Ordinal);
        int end = Lemma.Text.Tokenizer.Load(folder["two/last"]).IdOf("<|endoftext|>")!.Value;
        Lemma.Models.DecoderConfig saved = Lemma.Checkpoints.ModelFolder.ReadDecoderConfig(folder["two/last"], out string origin);
        Assert.Equal((family, end, end), (origin, saved.BeginId, saved.EndId));
        Assert.Equal([end], saved.EndIds);
        Assert.Equal(0, Run($"train --resume --out {folder["two"]}").Code);
        Lemma.Checkpoints.ModelFolder.ReadDecoderConfig(folder["two/last"], out origin);
        Assert.Equal(family, origin);
        // One document has no end.
        Assert.Equal(0, Run($"{train} --data {folder["data/one.txt"]} --out {folder["one"]}").Code);
        Assert.Empty(Lemma.Checkpoints.ModelFolder.ReadDecoderConfig(folder["one/last"]).EndIds);
    }

    [Fact]
    public void TheBiasForTheChoiceOfExpertsMovesByTheBalanceRate()
    {
        using TemporaryFolder folder = new();
        string data = folder.Write("data.txt", string.Concat(Enumerable.Repeat("a small text to learn from. ", 20)));
        string train = $"train --config {Golden("deepseek-v3")} --char --steps 3 {Small} --data {data}";
        float[] still = Bias("still", "--balance-rate 0"), moved = Bias("moved", "--balance-rate 0.5");
        Assert.All(still, value => Assert.Equal(0, value));
        Assert.All(moved, value => Assert.Contains(value, (float[])[-1.5f, -1, -0.5f, 0, 0.5f, 1, 1.5f]));
        Assert.Contains(moved, value => value != 0);
        Assert.Equal(moved, Bias("again", "--balance-rate 0.5 --threads 2"));

        float[] Bias(string name, string options)
        {
            (int code, _, string error) = Run($"{train} {options} --out {folder[name]}");
            Assert.Equal((0, ""), (code, error));
            using Lemma.Models.Decoder model = Lemma.Checkpoints.ModelFolder.ReadDecoder(Path.Combine(folder[name], "last"));
            return [.. model.Parameters.All.Where(parameter => parameter.Name.EndsWith(".choice_bias", StringComparison.Ordinal))
                .SelectMany(parameter => model.Parameters.Weights(parameter).ToArray())];
        }
    }

    [Fact]
    public void AVocabularyThatTheDataCannotFillIsRefused()
    {
        using TemporaryFolder folder = new();
        string data = folder.Write("data.txt", "a few words, a few words");
        (int code, _, string error) = Run($"train --data {data} --vocab 5000 {Tiny} --out {folder["run"]}");
        Assert.Equal(1, code);
        Assert.Contains("vocabulary: 5000 ids were asked for, but the data allow only", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["run"]));
    }

    private static string Golden(string family) => Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints", family, "config.json");
}
