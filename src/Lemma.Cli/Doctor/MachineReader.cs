using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Lemma.Cli.Runs;
using Lemma.Formulas;

namespace Lemma.Cli.Doctor;

/// <summary>Finds out what the process runs on: of .NET on every system, of files in which Linux tells of itself where they are.</summary>
internal static class MachineReader
{
    // Those of .NET that change what code does or how fast it starts; each also with the prefix of before .NET 6.
    private static readonly string[] Known = ["EnableHWIntrinsic", "EnableAVX", "EnableAVX2", "EnableAVX512", "EnableAVX512F", "EnableAVXVNNI", "EnableFMA",
        "EnableArm64Dp", "EnableArm64AdvSimd", "PreferredVectorBitWidth", "MaxVectorTBitWidth", "TieredCompilation", "TieredPGO", "TC_QuickJit",
        "TC_QuickJitForLoops", "ReadyToRun", "JITMinOpts", "gcServer", "gcConcurrent", "GCHeapHardLimit", "GCHeapCount", "PROCESSOR_COUNT"];
    private static readonly string[] Prefixes = ["DOTNET_", "COMPlus_"];

    /// <summary>The machine of this process.</summary>
    /// <param name="threads">Threads in use; null for one a processor.</param>
    /// <param name="files">Where the system tells of itself.</param>
    /// <param name="variables">The process's variables.</param>
    public static Machine Read(int? threads, SystemFiles files, IDictionary variables)
    {
        bool isLinux = OperatingSystem.IsLinux();
        Machine machine = new()
        {
            Processor = MachineFacts.Processor,
            System = MachineFacts.System,
            Runtime = MachineFacts.Runtime,
            Features = Features(),
            FloatInstructions = MatrixProduct.Instructions,
            QuantizedInstructions = MatrixProduct.QuantizedInstructions,
            Processors = MachineFacts.Processors,
            Threads = threads ?? MachineFacts.Processors,
            IsAheadOfTime = !RuntimeFeature.IsDynamicCodeSupported,
            IsOptimized = typeof(MatrixProduct).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true },
            IsServerCollector = GCSettings.IsServerGC,
            IsEmulated = RuntimeInformation.ProcessArchitecture != RuntimeInformation.OSArchitecture,
            Settings = SettingsOf(variables),
            Memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        };
        machine = isLinux ? WithLinux(machine, files) : WithOthers(machine, files);
        return machine with { NotKnown = [.. files.NotKnown.Distinct()] };
    }

    internal static Machine WithLinux(Machine machine, SystemFiles files)
    {
        string? memory = files.Read("/proc/meminfo", "memory"), pages = files.Read("/sys/kernel/mm/transparent_hugepage/enabled", "large pages");
        return machine with
        {
            Cores = Cores(files),
            ProcessorLimit = ControlGroup.Processors(files),
            MemoryLimit = ControlGroup.Memory(files),
            Memory = KilobytesOf(memory, "MemTotal") ?? machine.Memory,
            FreeMemory = KilobytesOf(memory, "MemAvailable"),
            // "always [madvise] never"
            LargePages = pages?.Split(' ').FirstOrDefault(word => word.StartsWith('['))?.Trim('[', ']'),
            Governor = files.Read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "how frequencies are chosen"),
            LoadAverage = files.Read("/proc/loadavg", "load")?.Split(' ')[0] is { } load && double.TryParse(load, CultureInfo.InvariantCulture, out double value)
                ? value : null,
        };
    }

    // What .NET tells: how much is in use stands in what the last collection saw.
    private static Machine WithOthers(Machine machine, SystemFiles files)
    {
        foreach (string told in (string[])["cores behind processors", "a container's limits", "large pages", "how frequencies are chosen", "load"])
            files.Note(told, "this is read on Linux alone");
        GC.Collect();
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return machine with { FreeMemory = Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes) };
    }

    private static long? KilobytesOf(string? text, string name)
    {
        string? line = text?.Split('\n').FirstOrDefault(line => line.StartsWith($"{name}:", StringComparison.Ordinal));
        return line?.Split((char[])[':', ' '], StringSplitOptions.RemoveEmptyEntries) is [_, var kilobytes, ..]
            && long.TryParse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value * 1024 : null;
    }

    // Processors that the process may run on and that share no core.
    private static int? Cores(SystemFiles files)
    {
        const string told = "cores behind processors", allowed = "Cpus_allowed_list:";
        string? list = files.Read("/proc/self/status", told)?.Split('\n').FirstOrDefault(line => line.StartsWith(allowed, StringComparison.Ordinal));
        if (list is null)
            return null;
        HashSet<string> siblings = [];
        foreach (int processor in NumbersOf(list[allowed.Length..].Trim()))
        {
            if (files.Read($"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list", told) is not { } sharing)
                return null;
            siblings.Add(sharing);
        }
        return siblings.Count == 0 ? null : siblings.Count;
    }

    // "0-3,8" as the kernel writes it.
    private static IEnumerable<int> NumbersOf(string list)
    {
        foreach (string range in list.Split(','))
        {
            string[] ends = range.Split('-');
            if (int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last))
            {
                for (int number = first; number <= last; number++)
                    yield return number;
            }
        }
    }

    private static (string Name, string Value)[] SettingsOf(IDictionary variables) =>
    [
        .. variables.Keys.Cast<string>().Where(name => Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
                && Known.Contains(name[prefix.Length..], StringComparer.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal).Select(name => (name, (string)variables[name]!)),
    ];

    private static ProcessorFeatures? Features()
    {
        if (!X86Base.IsSupported)
            return null;
        const int Fused = 1 << 12, Second = 1 << 5, Vnni = 1 << 4, WideVnni = 1 << 11;
        const int Foundation = 1 << 16, DoubleQuad = 1 << 17, Conflict = 1 << 28, ByteWord = 1 << 30, Lengths = 1 << 31;
        const int All = Foundation | DoubleQuad | Conflict | ByteWord | Lengths;
        if (X86Base.CpuId(0, 0).Eax < 7)
            return new ProcessorFeatures(false, false, false, false);
        (_, int extended, int further, _) = X86Base.CpuId(7, 0);
        bool hasVnni = X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & Vnni) != 0;
        bool hasSecond = (extended & Second) != 0 && (X86Base.CpuId(1, 0).Ecx & Fused) != 0;
        return new ProcessorFeatures(hasSecond, (extended & All) == All, hasVnni, (further & WideVnni) != 0);
    }
}
