using System.Collections;
using Lemma.Cli.Doctor;
using static Lemma.Tests.Cli.Doctor.MadeMachines;

namespace Lemma.Tests.Cli.Doctor;

/// <summary>What a system's files say is read; what is not there is told.</summary>
public sealed class MachineReaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private SystemFiles Files => new(folder["x"][..^2]);

    private static Machine Linux(SystemFiles files) => MachineReader.WithLinux(Sound, files);

    [Fact]
    public void LinuxTellsOfItselfInFiles()
    {
        folder.Write("proc/meminfo", "MemTotal:       1000000 kB\nMemFree:         1 kB\nMemAvailable:    250000 kB\n");
        folder.Write("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
        folder.Write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
        folder.Write("proc/loadavg", "1.75 1 1 1/1 1\n");
        folder.Write("proc/self/status", "Name: x\nCpus_allowed_list:\t0-2,5\n");
        folder.Write("proc/self/cgroup", "0::/\n");
        foreach ((int processor, string sharing) in ((int, string)[])[(0, "0,4"), (1, "1,5"), (2, "2,6"), (5, "1,5")])
            folder.Write($"sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list", $"{sharing}\n");
        SystemFiles files = Files;
        Machine machine = Linux(files);
        Assert.Equal((1_024_000_000L, 256_000_000L, "never", "powersave", 1.75, 3),
            (machine.Memory, machine.FreeMemory, machine.LargePages, machine.Governor, machine.LoadAverage, machine.Cores));
        Assert.Equal((null, null), (machine.ProcessorLimit, machine.MemoryLimit));
        Assert.Empty(files.NotKnown);
    }

    [Fact]
    public void WhatIsNotThereIsTold()
    {
        SystemFiles files = Files;
        Machine machine = Linux(files);
        Assert.Equal((null, null, null, null, null), (machine.FreeMemory, machine.LargePages, machine.Governor, machine.LoadAverage, machine.Cores));
        Assert.Equal(Sound.Memory, machine.Memory);
        foreach (string told in (string[])["memory: there is no /proc/meminfo", "large pages: there is no", "how frequencies are chosen: there is no", "load: there is no",
            "cores behind processors: there is no", "a container's limits of cpu: there is no /proc/self/cgroup"])
            Assert.Contains(files.NotKnown, one => one.StartsWith(told, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0::/a/b\n", "a/b/cpu.max", "150000 100000", 1.5)]
    [InlineData("0::/a/b\n", "a/cpu.max", "50000 100000", 0.5)]
    [InlineData("0::/a/b\n", "cpu.max", "400000 100000", 4.0)]
    [InlineData("0::/a/b\n", "a/b/cpu.max", "max 100000", null)]
    [InlineData("9:pids:/\n4:cpu,cpuacct:/docker/1\n", "cpu/docker/1/cpu.cfs_quota_us", "250000", 2.5)]
    [InlineData("9:pids:/\n4:cpu,cpuacct:/docker/1\n", "cpu/cpu.cfs_quota_us", "-1", null)]
    [InlineData("9:pids:/docker/1\n", "cpu/cpu.cfs_quota_us", "250000", null)]
    public void LimitsOfProcessorsAreThoseOfAGroupOrOneAbove(string groups, string file, string text, double? expected)
    {
        folder.Write("proc/self/cgroup", groups);
        folder.Write($"sys/fs/cgroup/{file}", text);
        if (file.EndsWith("quota_us", StringComparison.Ordinal))
            folder.Write($"sys/fs/cgroup/{file.Replace("quota", "period", StringComparison.Ordinal)}", "100000");
        Assert.Equal(expected, ControlGroup.Processors(Files));
    }

    [Fact]
    public void TheLeastLimitCounts()
    {
        folder.Write("proc/self/cgroup", "0::/a/b\n4:memory:/c\n");
        folder.Write("sys/fs/cgroup/a/b/memory.max", "max");
        folder.Write("sys/fs/cgroup/a/memory.max", "8000000000");
        folder.Write("sys/fs/cgroup/memory/c/memory.limit_in_bytes", "9223372036854771712");
        Assert.Equal(8_000_000_000, ControlGroup.Memory(Files));
        folder.Write("sys/fs/cgroup/a/b/memory.max", "7000000000");
        Assert.Equal(7_000_000_000, ControlGroup.Memory(Files));
        folder.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "6000000000");
        Assert.Equal(6_000_000_000, ControlGroup.Memory(Files));
    }

    [Fact]
    public void OnlyVariablesThatMatterAreSettings()
    {
        Hashtable variables = new() { ["DOTNET_TieredPGO"] = "0", ["DOTNET_ROOT"] = "/usr", ["COMPlus_EnableAVX2"] = "0", ["dotnet_gcserver"] = "1", ["PATH"] = "x" };
        Machine machine = MachineReader.Read(3, Files, variables);
        Assert.Equal([("COMPlus_EnableAVX2", "0"), ("DOTNET_TieredPGO", "0"), ("dotnet_gcserver", "1")], machine.Settings);
        Assert.Equal(3, machine.Threads);
        Assert.Equal(Environment.ProcessorCount, machine.Processors);
        Assert.True(machine.Memory > 0);
    }

    [Fact]
    public void TheWorkOfOthersIsWhatIsNotOurs()
    {
        OtherWork.Moment from = new(100, 5, 20, 0, 4), to = new(104, 6, 22, System.Diagnostics.Stopwatch.Frequency, 4);
        // A second of four processors: four seconds of programs, two of them ours, and one stolen.
        Assert.Equal(new OtherWork(0.5, 0.25), OtherWork.Between(from, to));
        Assert.Null(OtherWork.Between(null, to));
        folder.Write("proc/stat", "cpu  100 50 30 7 9 10 10 400 0 0\ncpu0 1\ncpu1 2\nintr 5\n");
        OtherWork.Moment now = OtherWork.Now(Files)!;
        Assert.Equal((2.0, 4.0, 2), (now.Busy, now.Stolen, now.Processors));
        SystemFiles files = Files;
        folder.Write("proc/stat", "cpu x\n");
        Assert.Null(OtherWork.Now(files));
        Assert.Contains(files.NotKnown, one => one.Contains("another form", StringComparison.Ordinal));
    }
}
