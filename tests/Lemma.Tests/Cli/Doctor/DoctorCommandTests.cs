using System.Text.Json;
using Lemma.Cli.Doctor;
using Lemma.Planning;
using static Lemma.Tests.Cli.Doctor.MadeMachines;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli.Doctor;

/// <summary>lemma doctor measures, says what it found in lines and in JSON, and refuses what it cannot measure.</summary>
[Collection("console")]
public sealed class DoctorCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AMachineAndAModelAreMeasured()
    {
        string model = WriteModel(folder, "model");
        JsonElement said = JsonDocument.Parse(Good($"doctor {model} --threads 2 --json")).RootElement;
        Assert.Equal(2, said.GetProperty("measured").GetArrayLength());
        foreach (JsonElement rates in said.GetProperty("measured").EnumerateArray())
        {
            double peak = rates.GetProperty("peak_operations").GetDouble();
            Assert.InRange(rates.GetProperty("product_operations").GetDouble(), 1e6, 1.5 * peak);
            Assert.InRange(rates.GetProperty("attention_operations").GetDouble(), 1e6, 1.5 * peak);
            Assert.InRange(rates.GetProperty("quantized_operations").GetDouble(), 1e6, 1e15);
            Assert.InRange(rates.GetProperty("memory_bytes").GetDouble(), 1e6, 1e14);
        }
        JsonElement speed = said.GetProperty("model");
        Assert.Equal(ParameterCount.Of(Lemma.Checkpoints.ModelFolder.ReadConfig(model)).Total, speed.GetProperty("parameters").GetInt64());
        double tokens = speed.GetProperty("tokens_per_second").GetDouble();
        Assert.True(tokens > 10 && speed.GetProperty("first_token_seconds").GetDouble() > 0);
        Assert.Equal(speed.GetProperty("share_of_floor").GetDouble(), tokens / speed.GetProperty("floor_tokens_per_second").GetDouble(), 1e-9);
        Assert.Equal(["F16", "Q8_0", "Q4_K"], [.. speed.GetProperty("other_types").EnumerateObject().Select(type => type.Name)]);
        // Half the bytes but for norms and what is looked up.
        Assert.InRange(speed.GetProperty("other_types").GetProperty("F16").GetProperty("bytes").GetDouble(), 0.4 * Total(speed), 0.7 * Total(speed));
        Assert.True(speed.GetProperty("fits").GetBoolean());
    }

    private static double Total(JsonElement speed) => speed.GetProperty("weight_bytes").EnumerateObject().Sum(format => format.Value.GetDouble());

    [Fact]
    public void LinesSayWhatIsKnown()
    {
        using StringWriter output = new() { NewLine = "\n" };
        Diagnosis diagnosis = new(Sound with { LargePages = "never", NotKnown = ["load: there is no /proc/loadavg"], ProcessorLimit = 12.5 }, Calm, Model);
        DoctorText.Write(output, diagnosis);
        string text = output.ToString();
        foreach (string part in (string[])["a processor, 8 processors on 8 cores, 8 threads in use, a limit of 12.5 processors", "tiles of 12 x 32, AVX-512; quantized: AVX-512 VNNI",
            "64.00 GB, 60.00 GB free, no large pages", "1 thread  8 threads  times", "peak of float32                200.0     1500.0    7.5  GFLOP/s\n",
            "90.0 %, 90.0 %", "25.0 tokens/s, 88.9 % of the 28.1 that reading 4.00 GB a token allows", "about 1.50 s behind a prompt of 512 tokens, by one of 256",
            "about 80.0 tokens/s, 1.06 GB", "what would be faster\n", "  slower  the system gives no large pages", "not known here: load: there is no /proc/loadavg",
            "4.50 GB with the cache of 2,048 tokens; it fits"])
            Assert.Contains(part, text, StringComparison.Ordinal);
        using StringWriter calm = new() { NewLine = "\n" };
        DoctorText.Write(calm, new Diagnosis(Sound with { Threads = 1, Processors = 1, Cores = 1 }, Calm with { All = Calm.One }, null));
        Assert.Contains("nothing here makes Lemma slower than it could be\n", calm.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("times", calm.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("not known", calm.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void JsonHasNullForWhatIsNotKnown()
    {
        (int code, string output, _) = Capture(() =>
        {
            DoctorJson.Write(new Diagnosis(Sound with { Cores = null, Governor = null, Settings = [("DOTNET_gcServer", "1")], IsServerCollector = true },
                Calm with { Others = null }, Model));
            return 0;
        });
        JsonElement said = JsonDocument.Parse(output).RootElement;
        Assert.Equal(0, code);
        foreach (string name in (string[])["cores", "governor", "others_share", "stolen_share", "memory_limit"])
            Assert.Equal(JsonValueKind.Null, said.GetProperty(name).ValueKind);
        Assert.Equal("1", said.GetProperty("settings").GetProperty("DOTNET_gcServer").GetString());
        Assert.Equal(["weight-type", "server-collector"], [.. said.GetProperty("findings").EnumerateArray().Select(one => one.GetProperty("name").GetString())]);
        Assert.Equal(1.5, said.GetProperty("model").GetProperty("first_token_seconds").GetDouble());
    }

    [Theory]
    [InlineData(1, "doctor nothing", "neither a file nor a folder nor a preset")]
    [InlineData(2, "doctor --threads 0", "a whole number of at least 1")]
    public void WhatCannotBeMeasuredIsRefused(int code, string line, string says) => Assert.Contains(says, Bad(code, line), StringComparison.Ordinal);

    [Fact]
    public void AnEncoderIsRefused()
    {
        using (Lemma.Models.Encoder encoder = new(Lemma.Models.Presets.Bert(100, 32, 2, 2, 64, 64)))
            Lemma.Checkpoints.ModelFolder.Write(folder["encoder"], encoder);
        Assert.Contains("is no decoder", Bad(1, $"doctor {folder["encoder"]} --threads 1"), StringComparison.Ordinal);
    }
}
