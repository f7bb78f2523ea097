using System.Globalization;
using Lemma.Cli.Display;

namespace Lemma.Cli.Doctor;

/// <summary>Rules from what a machine is and reaches to what would be faster on it.</summary>
internal static class MachineFindings
{
    // Work of others that moves figures; a scale that says that threads wait for each other; memory that a system needs for itself.
    private const double BusyShare = 0.05, StolenShare = 0.02, BusyLoad = 0.5, PoorScale = 0.6, LittleMemory = 0.05, PoorProduct = 0.6;

    /// <summary>All findings, what matters most first.</summary>
    public static IReadOnlyList<Finding> Of(Machine machine, Measured measured) =>
        [.. Instructions(machine).Concat(Runtime(machine)).Concat(Processors(machine, measured)).Concat(Memory(machine)).Concat(Figures(machine, measured))
            .OrderBy(finding => finding.Severity)];

    private static IEnumerable<Finding> Instructions(Machine machine)
    {
        bool usesWide = machine.FloatInstructions.Contains("AVX-512", StringComparison.Ordinal);
        bool usesMiddle = usesWide || machine.FloatInstructions.Contains("AVX2", StringComparison.Ordinal);
        bool usesVnni = machine.QuantizedInstructions.Contains("VNNI", StringComparison.Ordinal);
        if (machine.IsEmulated)
            yield return new(Severity.Slower, "emulated", "the program is for another kind of processor and is emulated", "install .NET for this processor");
        if (machine.Features is not { } has)
            yield break;
        string off = Off(machine, "EnableHWIntrinsic", "EnableAVX", "EnableAVX2", "EnableFMA");
        if (has.Avx2 && !usesMiddle)
        {
            yield return new(Severity.Slower, "avx2-unused", $"the processor has AVX2, which is not used{Since(off)}",
                off.Length > 0 ? $"unset {off}: vectors are twice as wide then" : "run on .NET with AVX2: vectors are twice as wide then");
        }
        else if (!has.Avx2)
        {
            yield return new(Severity.Note, "no-avx2", "the processor has no AVX2: products use 128-bit vectors, and 8-bit products no instructions of their own",
                "a processor since 2013 or so has AVX2");
        }
        string wideOff = Off(machine, "EnableAVX512", "EnableAVX512F", "EnableHWIntrinsic", "EnableAVX", "EnableAVX2");
        if (has.Avx512 && !usesWide)
        {
            yield return new(Severity.Slower, "avx512-unused", $"the processor has AVX-512, which is not used{Since(wideOff)}", wideOff.Length > 0
                ? $"unset {wideOff}: products are up to twice as fast then" : machine.IsAheadOfTime
                ? $"tiles are {machine.FloatInstructions}; the program compiled at run time has it" : "run on a system that keeps its registers");
        }
        else if (!has.Avx512 && usesMiddle)
        {
            yield return new(Severity.Note, "no-avx512", "the processor has no AVX-512: AVX2 is the widest here", "with AVX-512 products are up to twice as fast");
        }
        if (has.Avx512Vnni && usesWide && !machine.QuantizedInstructions.Contains("AVX-512 VNNI", StringComparison.Ordinal))
        {
            yield return new(Severity.Slower, "vnni-512-unused",
                "the processor has AVX-512's VNNI, which products of 8 bits do not use: their code is written at run time, and the system refuses that",
                "let the process run memory that it wrote (execmem of SELinux, MemoryDenyWriteExecute of systemd)");
            yield break;
        }
        string vnniOff = Off(machine, "EnableAVXVNNI", "EnableHWIntrinsic", "EnableAVX", "EnableAVX2");
        if (has.AvxVnni && !usesVnni)
        {
            yield return new(Severity.Slower, "vnni-unused", $"the processor has AVX-VNNI, which products of 8 bits do not use{Since(vnniOff)}",
                vnniOff.Length > 0 ? $"unset {vnniOff}" : "the program compiled at run time uses it");
        }
    }

    private static IEnumerable<Finding> Runtime(Machine machine)
    {
        if (!machine.IsOptimized)
            yield return new(Severity.Slower, "debug-build", "Lemma was built without optimization", "build with -c Release");
        if (Value(machine, "JITMinOpts") is { } minimal && minimal != "0")
            yield return new(Severity.Slower, "jit-min-opts", "DOTNET_JITMinOpts compiles without optimization", "unset DOTNET_JITMinOpts");
        if (machine.IsAheadOfTime)
            yield break;
        if (Value(machine, "TieredCompilation") == "0")
        {
            yield return new(Severity.Slower, "tiered-off", "DOTNET_TieredCompilation is 0: everything is compiled in full before it runs first, "
                + "so programs begin later",
                "unset it: loops that matter are compiled in full anyway");
        }
        if (Value(machine, "ReadyToRun") == "0")
        {
            yield return new(Severity.Slower, "ready-to-run-off", "DOTNET_ReadyToRun is 0: .NET's own code is compiled again at every start",
                "unset it");
        }
        if (machine.IsServerCollector)
        {
            yield return new(Severity.Note, "server-collector", "the server's garbage collector keeps a heap a processor: more memory, nothing faster, since a step "
                + "or a token leaves no garbage", "unset DOTNET_gcServer for this program");
        }
        if (Value(machine, "GCHeapHardLimit") is { } limit)
        {
            yield return new(Severity.Note, "heap-limit", $"DOTNET_GCHeapHardLimit is {limit}: the collected heap ends there; weights lie outside of it",
                "nothing, if it is meant");
        }
    }

    private static IEnumerable<Finding> Processors(Machine machine, Measured measured)
    {
        if (machine.ProcessorLimit is { } limit && limit < machine.Threads)
        {
            yield return new(Severity.Slower, "container-processors", string.Create(CultureInfo.InvariantCulture,
                $"the container is given {limit:0.##} processors' time, but {machine.Threads} threads work: all are stopped until the next tenth of a second"),
                $"--threads {Math.Max(1, (int)limit)}, or more processors");
        }
        else if (machine.Threads < machine.Processors)
        {
            yield return new(Severity.Note, "fewer-threads", $"{machine.Threads} of {machine.Processors} processors are in use", "leave --threads out to use all");
        }
        if (machine.Threads > machine.Processors)
        {
            yield return new(Severity.Slower, "more-threads", $"{machine.Threads} threads share {machine.Processors} processors and wait for each other",
                $"--threads {machine.Processors}");
        }
        double scale = measured.Scale(rates => rates.ProductOperations);
        if (machine.Cores is { } cores && machine.Threads > cores && machine.Threads <= machine.Processors)
        {
            yield return new(Severity.Note, "shared-cores", string.Create(CultureInfo.InvariantCulture, $"{machine.Threads} threads share {cores} cores, and "
                + $"products need a core each: all threads give {scale:0.0} times one"), $"try --threads {cores}");
        }
        else if (!IsBusy(measured) && machine.Threads > 1 && machine.Threads <= machine.Processors && scale < PoorScale * machine.Threads)
        {
            yield return new(Severity.Slower, "poor-scale", string.Create(CultureInfo.InvariantCulture, $"{machine.Threads} threads multiply {scale:0.0} "
                + $"times as fast as one"), "look for other programs, a limit of power, or processors that share a core");
        }
        if (machine.Governor is "powersave" or "conservative")
        {
            yield return new(Severity.Slower, "governor", $"the system chooses frequencies by '{machine.Governor}'",
                "cpupower frequency-set -g performance, where the machine may be warm");
        }
        double share = measured.One.ProductOperations / measured.One.PeakOperations;
        if (share < PoorProduct)
        {
            yield return new(Severity.Unsure, "poor-product", $"a product reaches {Amount.Percent(share)} of the peak on one thread; usual are 75 to 95 %",
                "measure again when nothing else runs");
        }
    }

    private static IEnumerable<Finding> Memory(Machine machine)
    {
        if (machine.LargePages == "never")
        {
            yield return new(Severity.Slower, "large-pages", "the system gives no large pages: models load and begin more slowly",
                "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
        }
        if (machine.MemoryLimit is { } limit && limit < machine.Memory)
        {
            yield return new(Severity.Note, "container-memory", $"the container may take {Amount.Bytes(limit)} of {Amount.Bytes(machine.Memory)}: "
                + "beyond that it is killed",
                "lemma plan MODEL --memory says what fits");
        }
        if (machine.FreeMemory is { } free && free < LittleMemory * machine.Memory)
        {
            yield return new(Severity.Slower, "little-memory", $"{Amount.Bytes(free)} of {Amount.Bytes(machine.Memory)} are free: weights may be "
                + "moved to disk and back",
                "end what takes the memory");
        }
    }

    private static IEnumerable<Finding> Figures(Machine machine, Measured measured)
    {
        if (measured.Others is { } others)
        {
            if (others.Others > BusyShare)
            {
                yield return new(Severity.Unsure, "busy", $"other programs took {Amount.Percent(others.Others)} of the processors meanwhile",
                    "measure again when they have ended: the figures are too low");
            }
            if (others.Stolen > StolenShare)
            {
                yield return new(Severity.Unsure, "stolen", $"the hypervisor gave {Amount.Percent(others.Stolen)} of the processors to other machines meanwhile",
                    "measure at another time: the figures are too low");
            }
        }
        else if (machine.LoadAverage is { } load && load > BusyLoad * machine.Processors)
        {
            yield return new(Severity.Unsure, "busy", string.Create(CultureInfo.InvariantCulture, $"the load of the last minute is {load:0.0} on "
                + $"{machine.Processors} processors"),
                "measure again when it is lower");
        }
    }

    private static bool IsBusy(Measured measured) => measured.Others is { } others && (others.Others > BusyShare || others.Stolen > StolenShare);

    private static string Since(string off) => off.Length > 0 ? $", since {off} is 0" : "";

    // The first of some variables that switches something off, as it is named where it is set.
    private static string Off(Machine machine, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            foreach ((string full, string value) in machine.Settings)
            {
                if (IsNamed(full, name) && value == "0")
                    return full;
            }
        }
        return "";
    }

    private static string? Value(Machine machine, string name) =>
        machine.Settings.Where(one => IsNamed(one.Name, name)).Select(one => one.Value).FirstOrDefault();

    private static bool IsNamed(string full, string name) =>
        full[(full.IndexOf('_', StringComparison.Ordinal) + 1)..].Equals(name, StringComparison.OrdinalIgnoreCase);
}
