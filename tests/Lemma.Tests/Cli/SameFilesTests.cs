using System.Diagnostics;

namespace Lemma.Tests.Cli;

/// <summary>One seed gives one set of files: for any number of threads, interrupted and resumed, without AVX-512; and a kill leaves a model.</summary>
public sealed class SameFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Train(string name, string more = "") => $"train --data {folder["text.txt"]} --char --steps 24 --batch 3 --accumulate 2 --length 24 "
        + $"--width 48 --layers 2 --dropout 0.1 --eval-every 8 --eval-batches 2 --out {folder[name]} {more}";

    public SameFilesTests() => folder.Write("text.txt",
        string.Concat(Enumerable.Range(0, 300).Select(i => $"line {i} of a text that goes on and on, {i * i} words long\n")));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ForThreadsWidthsAndInterruptions()
    {
        Assert.Equal(0, Tool.Run(Train("one", "--threads 1")).ExitCode);
        Assert.Equal(0, Tool.Run(Train("two", "--threads 2")).ExitCode);
        Assert.Equal(0, Tool.Run(Train("narrow", "--threads 2"), ("DOTNET_EnableAVX512", "0")).ExitCode);
        foreach (string other in new[] { "two", "narrow" })
            AssertSame("one", other);
    }

    [Fact]
    public void WhenKilledAndResumed()
    {
        Assert.Equal(0, Tool.Run(Train("whole")).ExitCode);
        using (Process process = Tool.Start(Train("killed")))
        {
            // Killed as soon as the first checkpoint is there, at whatever instant that is.
            while (!Directory.Exists(Path.Combine(folder["killed"], "last")) && !process.HasExited)
                Thread.Yield();
            process.Kill();
            process.WaitForExit();
        }
        (int code, _, string error) = Tool.Run($"train --resume --out {folder["killed"]}");
        Assert.True(code == 0, error);
        AssertSame("whole", "killed");
    }

    private void AssertSame(string one, string other)
    {
        string[] names = ["best/model.safetensors", "best/config.json", "best/tokenizer.json", "last/model.safetensors",
            "last/training_state.safetensors", "metrics.jsonl"];
        foreach (string name in names)
        {
            Assert.True(File.ReadAllBytes(Path.Combine(folder[one], name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(folder[other], name))),
                $"{name} of '{one}' and '{other}' differ");
        }
    }
}
