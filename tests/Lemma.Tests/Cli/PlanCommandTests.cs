using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Lemma.Checkpoints;
using Lemma.Cli.Runs;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Tests.Planning;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>lemma plan says what the library counts, and refuses what it cannot plan.</summary>
[Collection("console")]
public sealed class PlanCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Times as when the machine was measured: what memory gives now is another number each time.
    private string Then => $"{Profile} --no-measure";

    private string NoProfile => $"--profile {folder["none.json"]}";

    private string Profile
    {
        get
        {
            MachineProfileTests.Made.Write(folder["profile.json"]);
            return $"--profile {folder["profile.json"]}";
        }
    }

    private static JsonElement Json(string line)
    {
        string output = Good($"{line} --json");
        Assert.Single(output.TrimEnd().Split('\n'));
        return JsonDocument.Parse(output).RootElement;
    }

    [Fact]
    public void TheFirstThreeLinesAnswer()
    {
        string[] lines = Good($"plan tiny --train 10M --batch 8 --length 128 {Profile} --memory 16G").Split(Environment.NewLine);
        StepPlan step = StepPlan.Of(Presets.Tiny(1024), new StepShape(8, 128));
        Assert.StartsWith("fits:   yes: ", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(" of 16.00 GB of memory", lines[0], StringComparison.Ordinal);
        double seconds = 10e6 / 1024 * MachineProfileTests.Made.StepTime(step).Value;
        Assert.Contains("for 10M tokens, ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"takes:  {Lemma.Cli.Display.Amount.Time(TimeSpan.FromSeconds(seconds))} for", lines[1], StringComparison.Ordinal);
        string loss = ScalingRule.Besiroglu.Loss(step.Parameters.Total, 10e6).ToString("0.0000", CultureInfo.InvariantCulture);
        Assert.StartsWith($"gives:  a loss of about {loss} nats", lines[2], StringComparison.Ordinal);
        Assert.Contains("change: ", lines[2], StringComparison.Ordinal);

        lines = Good($"plan llama-29m --train 10M --batch 64 --length 2k {NoProfile} --memory 1G").Split(Environment.NewLine);
        Assert.StartsWith("fits:   no: ", lines[0], StringComparison.Ordinal);
        Assert.Contains("lemma plan --calibrate", lines[1], StringComparison.Ordinal);
        // What is advised does fit, and twice as much does not.
        Match advice = Regex.Match(lines[2], @"change: --recompute --batch (\d+) --accumulate (\d+) --length 2048 fits, ");
        Assert.True(advice.Success, lines[2]);
        int batch = int.Parse(advice.Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(64, batch * int.Parse(advice.Groups[2].Value, CultureInfo.InvariantCulture));
        StepShape advised = new(batch, 2048) { RecomputesBlocks = true };
        Assert.InRange(1e9, StepPlan.Of(Presets.Find("llama-29m")!, advised).ResidentBytes,
            StepPlan.Of(Presets.Find("llama-29m")!, advised with { Batch = 2 * batch }).ResidentBytes);
        Assert.Contains("a smaller model, or an adapter (--lora)", Good($"plan llama-29m --train 10M {NoProfile} --memory 100M"), StringComparison.Ordinal);
        Assert.Contains("users of 2,048 tokens fit", Good($"plan llama-29m --serve --users 1000 {NoProfile} --memory 1G"), StringComparison.Ordinal);
    }

    [Fact]
    public void TablesHaveWhatTheLibraryCounts()
    {
        string text = Good($"plan llama-14m --train 1e8 --batch 2,4 --length 256 --recompute {Profile} --serve --context 1k --users 1,8 --svg {folder["plan.svg"]}");
        foreach (string part in (string[])["parameters of llama-14m", "feed forward", "the sheets'", "third matrix", "training", "operations of a step of 2 x 256", "6·N a token",
            "serving", "a token keeps 4,608 numbers", "bf16 9,216 bytes"])
            Assert.Contains(part, text, StringComparison.Ordinal);
        XElement picture = XDocument.Parse(File.ReadAllText(folder["plan.svg"])).Root!;
        string[] texts = [.. picture.Descendants().Where(one => one.Name.LocalName == "text").Select(one => one.Value)];
        foreach (string title in (string[])["memory of training", "memory of serving", "training tokens a second", "decoded tokens a second", "2 x 256", "1024 x 8 f32"])
            Assert.Contains(title, texts);
        Assert.Contains(texts, one => one.StartsWith("the best loss over operations", StringComparison.Ordinal));
        Assert.DoesNotContain("NaN", File.ReadAllText(folder["plan.svg"]), StringComparison.Ordinal);
    }

    [Fact]
    public void SeveralValuesAreARowEach()
    {
        JsonElement plan = Json($"plan llama-14m --batch 2,4 --length 64,128 --optimizer lion --serve --context 1k,2k --users 1,3 --cache-format f32,q8_0,f8 {Then}");
        DecoderConfig config = Presets.Find("llama-14m")!;
        JsonElement[] training = [.. plan.GetProperty("training").EnumerateArray()], serving = [.. plan.GetProperty("serving").EnumerateArray()];
        Assert.Equal((4, 12), (training.Length, serving.Length));
        StepPlan last = StepPlan.Of(config, new StepShape(4, 128) { Optimizer = new Lemma.Training.LionOptions() });
        Assert.Equal(last.ResidentBytes, training[3].GetProperty("bytes").GetInt64());
        Assert.Equal(last.MomentBytes, training[3].GetProperty("moment_bytes").GetInt64());
        Assert.Equal(last.Operations, training[3].GetProperty("operations").GetDouble());
        Assert.Equal(MachineProfileTests.Made.StepTime(last).Value, training[3].GetProperty("seconds").GetProperty("value").GetDouble());
        CachePlan cache = CachePlan.Of(config);
        Assert.Equal(3 * cache.AllocatedBytes(2048), serving[9].GetProperty("cache_bytes").GetInt64());
        Assert.Equal(3 * cache.AllocatedBytes(2048, Lemma.Sequences.CacheFormat.EightBits), serving[10].GetProperty("cache_bytes").GetInt64());
        Assert.Equal(34 * serving[9].GetProperty("cache_bytes").GetInt64(), 128 * serving[10].GetProperty("cache_bytes").GetInt64());
        // Packed numbers of a format that Lemma does not keep.
        Assert.Equal(3 * cache.BytesOf(2048, StorageFormat.Find("f8")), serving[11].GetProperty("cache_bytes").GetInt64());
        Assert.Equal(MachineProfileTests.Made.DecodingTime(config, 3, 2048).Value, serving[9].GetProperty("seconds").GetProperty("value").GetDouble());
        Assert.False(plan.TryGetProperty("memory_bytes_now", out _));
        long pass = PassPlan.Of(config, 512).Bytes;
        Assert.Equal((512, pass), (serving[9].GetProperty("prompt").GetInt32(), serving[9].GetProperty("pass_bytes").GetInt64()));
        Assert.Equal(serving[9].GetProperty("weight_bytes").GetInt64() + 3 * cache.AllocatedBytes(2048) + pass, serving[9].GetProperty("bytes").GetInt64());
        // Only what Lemma itself stores was measured.
        Assert.True(serving[9].TryGetProperty("seconds", out _) && !serving[10].TryGetProperty("seconds", out _));
        Assert.Equal(ParameterCount.Of(config).Total, plan.GetProperty("parameters").GetInt64());
    }

    [Fact]
    public void DecodingIsPlannedByWhatMemoryGivesNow()
    {
        JsonElement plan = Json($"plan llama-14m --serve --context 1k --prompt 64 {Profile}"), row = plan.GetProperty("serving")[0];
        MachineMoment now = new(plan.GetProperty("memory_bytes_now").GetDouble(), plan.GetProperty("job_seconds_now").GetDouble());
        DecoderConfig config = Presets.Find("llama-14m")!;
        Assert.Equal(MachineProfileTests.Made.DecodingTime(config, 1, 1024, now).Value, row.GetProperty("seconds").GetProperty("value").GetDouble(), 1e-12);
        Assert.Equal(MachineProfileTests.Made.ReadRateOf(MachineProfile.BytesOfToken(config, 1, 1024)), plan.GetProperty("memory_bytes_measured").GetDouble());
        Assert.Equal(PassPlan.Of(config, 64).Bytes, row.GetProperty("pass_bytes").GetInt64());
        Assert.Contains("when it was measured: times are for now", Good($"plan llama-14m --serve --context 1k {Profile}"), StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherPrecisionIsOfAnotherMachine()
    {
        DecoderConfig config = Presets.Find("llama-14m")!;
        StepPlan step = StepPlan.Of(config, new StepShape(2, 64));
        JsonElement plan = Json($"plan llama-14m --train 1M --batch 2 --length 64 --precision mixed {Profile}"), row = plan.GetProperty("training")[0];
        long n = ParameterCount.Of(config).Total;
        Assert.Equal((2 * n, 4 * n, 2 * n, 8 * n), (row.GetProperty("weight_bytes").GetInt64(), row.GetProperty("master_bytes").GetInt64(),
            row.GetProperty("gradient_bytes").GetInt64(), row.GetProperty("moment_bytes").GetInt64()));
        Assert.Equal(step.MemoryIn(TrainingPrecision.Mixed).Total, row.GetProperty("bytes").GetInt64());
        Assert.False(row.TryGetProperty("seconds", out _));
        string takes = plan.GetProperty("answers")[1].GetString()!;
        Assert.Contains("on another machine: Lemma trains in float32, and this plan is of mixed", takes, StringComparison.Ordinal);
        Assert.StartsWith($"takes:  {Lemma.Cli.Plans.PlanAnswers.Number(1e6 / 128 * step.Operations)} operations for 1M tokens", takes, StringComparison.Ordinal);
        string text = Good($"plan llama-14m --batch 2 --length 64 --precision mixed {Profile}");
        Assert.Contains("training, in mixed", text, StringComparison.Ordinal);
        Assert.Contains("float32 copy", text, StringComparison.Ordinal);
        Assert.DoesNotContain("float32 copy", Good($"plan llama-14m --batch 2 --length 64 --precision bfloat16 {Profile}"), StringComparison.Ordinal);
    }

    [Fact]
    public void AdaptersAndOptimizersArePlanned()
    {
        DecoderConfig config = Presets.Find("llama-14m")!;
        StepPlan adapter = StepPlan.Of(config, new StepShape(2, 64) { Adapter = new AdapterConfig { Rank = 8, Alpha = 16, Targets = ["q_proj", "v_proj"] } });
        JsonElement row = Json($"plan llama-14m --batch 2 --length 64 --lora 8 --lora-targets q_proj,v_proj {Profile}").GetProperty("training")[0];
        Assert.Equal((adapter.Trained, adapter.ResidentBytes), (row.GetProperty("trained").GetInt64(), row.GetProperty("bytes").GetInt64()));
        Assert.Equal(MachineProfileTests.Made.StepTime(adapter).Value, row.GetProperty("seconds").GetProperty("value").GetDouble());
        Assert.Contains($"training an adapter of rank 8: {Lemma.Cli.Display.Amount.Count(adapter.Trained)} parameters learn",
            Good($"plan llama-14m --batch 2 --length 64 --lora 8 --lora-targets q_proj,v_proj {Profile}"), StringComparison.Ordinal);
        StepPlan muon = StepPlan.Of(config, new StepShape(2, 64) { Optimizer = new Lemma.Training.MuonOptions() });
        row = Json($"plan llama-14m --batch 2 --length 64 --optimizer muon {Profile}").GetProperty("training")[0];
        Assert.Equal(MachineProfileTests.Made.StepTime(muon).Value, row.GetProperty("seconds").GetProperty("value").GetDouble());
        // What no memory holds in full an adapter's gradients and moments may.
        Assert.Contains("an adapter (--lora)", Good($"plan llama-29m --train 10M {NoProfile} --memory 100M"), StringComparison.Ordinal);
    }

    [Fact]
    public void FoldersAndConfigsArePlanned()
    {
        using (Lemma.Models.Encoder encoder = new(Presets.Bert(100, 32, 2, 2, 64, 64)))
            ModelFolder.Write(folder["encoder"], encoder);
        Assert.Contains("laws are of decoders", Good($"plan {folder["encoder"]} --train 1M {NoProfile}"), StringComparison.Ordinal);
        Assert.Contains("an encoder keeps nothing", Bad(2, $"plan {folder["encoder"]} --serve {NoProfile}"), StringComparison.Ordinal);
        string model = WriteModel(folder, "model");
        long count = ParameterCount.Of(ModelFolder.ReadConfig(model)).Total;
        Assert.Equal(count, Json($"plan {model} {NoProfile}").GetProperty("parameters").GetInt64());
        Assert.Equal(count, Json($"plan {model}/config.json {NoProfile}").GetProperty("parameters").GetInt64());
        JsonElement packed = Json($"plan {model} --serve --context 64 --weight-format q8_0 {NoProfile}").GetProperty("serving")[0];
        Assert.Equal(StorageFormat.Find("q8_0").BytesOf(count), packed.GetProperty("weight_bytes").GetInt64());
    }

    [Fact]
    public void AGgufFileIsPlanned()
    {
        folder.Write("model.gguf", GgufOf("llama", heads: 4, keyHeads: 2));
        JsonElement plan = Json($"plan {folder["model.gguf"]} --serve --context 64 {NoProfile}");
        DecoderConfig config = Presets.Llama(50, 16, 2, 4, 24, 128, keyValueHeads: 2) with { Head = new HeadConfig(Tied: true) };
        long count = ParameterCount.Of(config).Total;
        Assert.Equal(count, plan.GetProperty("parameters").GetInt64());
        Assert.Equal(2 * count, plan.GetProperty("serving")[0].GetProperty("weight_bytes").GetInt64());
        folder.Write("other.gguf", GgufOf("llama", heads: 4, keyHeads: 4, tensorKeyHeads: 2));
        Assert.Contains("has shape [8, 16], but the config asks for [16, 16]", Bad(1, $"plan {folder["other.gguf"]}"), StringComparison.Ordinal);
        folder.Write("kind.gguf", GgufOf("rwkv", heads: 4, keyHeads: 2));
        Assert.Contains("rwkv", Bad(1, $"plan {folder["kind.gguf"]}"), StringComparison.Ordinal);
        folder.Write("heads.gguf", GgufOf("llama", heads: 0, keyHeads: 2));
        Assert.Contains("heads", Bad(1, $"plan {folder["heads.gguf"]}"), StringComparison.Ordinal);
    }

    [Fact]
    public void ABudgetHasItsBestModel()
    {
        JsonElement plan = Json($"plan --budget 1e20 --served 1T --unique 1B {NoProfile}");
        ScalingOptimum best = ScalingRule.Besiroglu.Optimum(1e20);
        JsonElement[] laws = [.. plan.GetProperty("laws").EnumerateArray()];
        Assert.Equal(5, laws.Length);
        Assert.Equal(best.Parameters, laws[0].GetProperty("parameters").GetDouble());
        Assert.Equal(KaplanRule.Optimum(1e20).Tokens, laws[2].GetProperty("tokens").GetDouble());
        Assert.True(laws[3].GetProperty("parameters").GetDouble() < best.Parameters && laws[4].GetProperty("loss").GetDouble() > best.Loss);
        Assert.Contains("not N^0.74", Good($"plan --budget 1e20 {NoProfile}"), StringComparison.Ordinal);

        // Of a time: what a step of the model takes, and so its tokens.
        StepPlan step = StepPlan.Of(Presets.Tiny(1024), new StepShape(8, 256));
        double tokens = 7200 / MachineProfileTests.Made.StepTime(step).Value * 2048;
        Assert.Equal(1, Json($"plan tiny --budget 2h {Profile}").GetProperty("tokens").GetDouble() / tokens, 1e-9);
        Assert.Equal(1, Json($"plan tiny --budget 120m {Profile}").GetProperty("tokens").GetDouble() / tokens, 1e-9);
        Assert.Equal(1, Json($"plan tiny --budget 3usd --price 1.5 {Profile}").GetProperty("tokens").GetDouble() / tokens, 1e-9);
        Assert.True(Json($"plan --budget 1d {Profile}").GetProperty("compute").GetDouble() > 24 * 1e13);
    }

    [Fact]
    public void RunsGiveALaw()
    {
        ScalingRule rule = new(1.2, 60, 900, 0.3, 0.4);
        WriteRuns(rule);
        JsonElement plan = Json($"plan tiny --train 50M --fit {folder["runs"]} {NoProfile}"), fit = plan.GetProperty("fit");
        Assert.Equal((9, 9), (fit.GetProperty("runs").GetInt32(), fit.GetProperty("points").GetInt32()));
        Assert.Equal(rule.ParameterExponent, fit.GetProperty("parameter_exponent").GetProperty("value").GetDouble(), 0.01);
        double size = plan.GetProperty("parameters").GetDouble();
        Assert.Equal(rule.Loss(size, 50e6), plan.GetProperty("loss").GetDouble(), 1e-2);
        string text = Good($"plan tiny --train 50M --budget 1e15 --fit {folder["runs"]} {NoProfile}");
        foreach (string part in (string[])["by the law of these runs", "9 points of 9 runs", "of these runs", "tiny after 50M tokens"])
            Assert.Contains(part, text, StringComparison.Ordinal);
        // Of few runs the evaluations along them count.
        string few = string.Join(' ', Enumerable.Range(0, 9).Where(i => i % 4 == 0).Select(i => folder[$"runs/run{i}"]));
        Assert.InRange(Json($"plan --fit {few} {NoProfile}").GetProperty("fit").GetProperty("points").GetInt32(), 6, 15);
    }

    private void WriteRuns(ScalingRule rule)
    {
        Philox random = new(3);
        for (int i = 0; i < 9; i++)
        {
            double parameters = 1e5 * Math.Pow(4, i % 3);
            StringBuilder metrics = new(), timings = new();
            for (int step = 1; step <= 4; step++)
            {
                double tokens = step * 1e6 * (i / 3 + 1), loss = rule.Loss(parameters, tokens) * Math.Exp(1e-4 * random.Normal((ulong)(8 * i + step)));
                metrics.Append(CultureInfo.InvariantCulture, $"{{\"step\":{step},\"loss\":9.5}}\n{{\"step\":{step},\"validation_loss\":{loss}}}\n");
                timings.Append(CultureInfo.InvariantCulture, $"{{\"step\":{step},\"seconds\":1,\"tokens\":{1e6 * (i / 3 + 1)}}}\n");
            }
            folder.Write($"runs/run{i}/metrics.jsonl", $"{metrics}");
            folder.Write($"runs/run{i}/timings.jsonl", $"{timings}");
            new RunRecord
            {
                Command = "train",
                Parameters = (long)parameters,
                Trained = (long)parameters,
                Data = (1, "00"),
                Options = "{}",
                Processes = [RunRecord.DescribeProcess(0, 1, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc))],
                Began = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
            }.Write(folder[$"runs/run{i}"]);
        }
    }

    [Theory]
    [InlineData(2, "plan", "MODEL, --budget, --fit or --calibrate is needed")]
    [InlineData(1, "plan nothing", "neither a file nor a folder nor a preset")]
    [InlineData(2, "plan tiny --batch -4", "whole numbers of at least 1")]
    [InlineData(2, "plan tiny --length 0", "whole numbers of at least 1")]
    [InlineData(2, "plan tiny --train -5M", "a number above 0")]
    [InlineData(2, "plan tiny --serve --context 2k,x", "'2k,x' was given")]
    [InlineData(2, "plan tiny --serve --context 8k", "8192 tokens are more than the model's longest sequence, 256")]
    [InlineData(1, "plan tiny --length 512", "512 tokens are more than the longest sequence, 256")]
    [InlineData(2, "plan tiny --serve --cache-format q5", "names among f32")]
    [InlineData(2, "plan --budget -1h", "above 0, is needed")]
    [InlineData(2, "plan --budget 0", "above 0, is needed")]
    [InlineData(2, "plan --budget soon", "'soon' was given")]
    [InlineData(2, "plan --budget 1e400", "above 0, is needed")]
    [InlineData(2, "plan --budget 20usd", "needs --price")]
    [InlineData(2, "plan --budget 2h", "was not measured")]
    [InlineData(2, "plan tiny --price 2", "which is not given")]
    [InlineData(2, "plan llama-135m --serve --context 8k --users 2B", "whole numbers of at least 1")]
    [InlineData(1, "plan tiny --batch 1M --length 128", "more than 67108864 rows")]
    [InlineData(2, "plan --budget 1e18 --batch 4", "it is of a model, but none is given")]
    [InlineData(2, "plan tiny --budget 2h --optimizer adam --profile {profile}", "how long steps of this optimizer take is not known")]
    [InlineData(2, "plan tiny --budget 2h --precision mixed --profile {profile}", "which trains in float32 alone")]
    [InlineData(2, "plan tiny --precision int8", "int8")]
    [InlineData(2, "plan tiny --lora-targets q_proj", "it says how --lora acts")]
    [InlineData(1, "plan tiny --lora 4 --lora-targets nothing", "no matrices with the names nothing")]
    [InlineData(2, "plan --budget 1e18 --lora 4", "it is of a model, but none is given")]
    [InlineData(1, "plan tiny --prompt 300", "a prompt has 1 to 256 tokens, but it has 300")]
    [InlineData(1, "plan --fit {dir}/nowhere", "there is no such folder")]
    [InlineData(1, "plan --fit {dir}/empty", "there is no run beneath")]
    [InlineData(1, "plan --fit {dir}/silent", "has no losses")]
    [InlineData(1, "plan --fit {dir}/one", "at least 6 runs, but there are")]
    public void WhatCannotBePlannedIsRefused(int code, string line, string says)
    {
        MachineProfileTests.Made.Write(folder["known.json"]);
        folder.Write("empty/note.txt", "nothing");
        foreach (string name in (string[])["silent", "one"])
        {
            folder.Write($"{name}/run.json", "{\"command\":\"train\",\"parameters\":1000,\"trained\":1000,\"data\":{\"examples\":1,\"sha256\":\"0\"},\"options\":{},"
                + "\"processes\":[{\"began\":\"2026-01-01T00:00:00Z\"}]}");
            folder.Write($"{name}/timings.jsonl", "{\"step\":1,\"seconds\":1,\"tokens\":5}\n");
            folder.Write($"{name}/metrics.jsonl", name == "one" ? "{\"step\":1,\"loss\":3}\n" : "{\"step\":1,\"loss\":null}\n");
        }
        string text = line.Replace("{dir}", folder["x"][..^2], StringComparison.Ordinal).Replace("{profile}", folder["known.json"], StringComparison.Ordinal);
        Assert.Contains(says, Bad(code, text.Contains("--profile", StringComparison.Ordinal) ? text : $"{text} {NoProfile}"), StringComparison.Ordinal);
    }

    // Two blocks of width 16 with 50 ids, tied, in halves.
    private static byte[] GgufOf(string architecture, int heads, int keyHeads, int? tensorKeyHeads = null)
    {
        int keys = (tensorKeyHeads ?? keyHeads) * 4;
        List<(string Name, long[] Sizes)> tensors = [("token_embd.weight", [16, 50]), ("output_norm.weight", [16])];
        for (int block = 0; block < 2; block++)
        {
            tensors.AddRange([($"blk.{block}.attn_norm.weight", [16]), ($"blk.{block}.attn_q.weight", [16, 16]), ($"blk.{block}.attn_k.weight", [16, keys]),
                ($"blk.{block}.attn_v.weight", [16, keys]), ($"blk.{block}.attn_output.weight", [16, 16]), ($"blk.{block}.ffn_norm.weight", [16]),
                ($"blk.{block}.ffn_gate.weight", [16, 24]), ($"blk.{block}.ffn_up.weight", [16, 24]), ($"blk.{block}.ffn_down.weight", [24, 16])]);
        }
        (string Name, uint Value)[] values = [("context_length", 128), ("embedding_length", 16), ("block_count", 2), ("feed_forward_length", 24),
            ("attention.head_count", (uint)heads), ("attention.head_count_kv", (uint)keyHeads)];
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        void Text(string text)
        {
            writer.Write((ulong)text.Length);
            writer.Write(Encoding.ASCII.GetBytes(text));
        }
        writer.Write(0x46554747);
        writer.Write(3);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)(values.Length + 2));
        Text("general.architecture");
        writer.Write(8);
        Text(architecture);
        foreach ((string name, uint value) in values)
        {
            Text($"{architecture}.{name}");
            writer.Write(4);
            writer.Write(value);
        }
        Text($"{architecture}.attention.layer_norm_rms_epsilon");
        writer.Write(6);
        writer.Write(1e-5f);
        long offset = 0;
        foreach ((string name, long[] sizes) in tensors)
        {
            Text(name);
            writer.Write(sizes.Length);
            foreach (long size in sizes)
                writer.Write(size);
            writer.Write(1);
            writer.Write(offset);
            offset += (2 * sizes.Aggregate(1L, (product, size) => product * size) + 31) / 32 * 32;
        }
        writer.Write(new byte[(32 - stream.Length % 32) % 32 + offset]);
        return stream.ToArray();
    }
}
