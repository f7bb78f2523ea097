using Lemma.Cli.Doctor;
using static Lemma.Tests.Cli.Doctor.MadeMachines;

namespace Lemma.Tests.Cli.Doctor;

/// <summary>Each finding appears for a machine that has its cause, and for no machine that is in order.</summary>
public class MachineFindingTests
{
    private static readonly Dictionary<string, (Machine Machine, Measured Measured)> Ill = new()
    {
        ["emulated"] = (Sound with { IsEmulated = true }, Calm),
        ["avx2-unused"] = (Sound with
        {
            FloatInstructions = "12 x 32, 128-bit vectors",
            Features = Sound.Features! with { Avx512 = false },
            Settings = [("DOTNET_EnableAVX2", "0")],
        }, Calm),
        ["no-avx2"] = (Sound with
        {
            FloatInstructions = "12 x 32, 128-bit vectors",
            QuantizedInstructions = "portable",
            Features = new ProcessorFeatures(false, false, false, false),
        }, Calm),
        ["avx512-unused"] = (Sound with { FloatInstructions = "6 x 16, AVX2", Settings = [("DOTNET_EnableAVX512", "0")] }, Calm),
        ["no-avx512"] = (Sound with { FloatInstructions = "6 x 16, AVX2", Features = Sound.Features! with { Avx512 = false } }, Calm),
        ["vnni-unused"] = (Sound with { QuantizedInstructions = "AVX2", Features = Sound.Features! with { Avx512Vnni = false } }, Calm),
        ["vnni-512-unused"] = (Sound with { QuantizedInstructions = "AVX-VNNI" }, Calm),
        ["debug-build"] = (Sound with { IsOptimized = false }, Calm),
        ["jit-min-opts"] = (Sound with { Settings = [("DOTNET_JITMinOpts", "1")] }, Calm),
        ["tiered-off"] = (Sound with { Settings = [("COMPlus_TieredCompilation", "0")] }, Calm),
        ["ready-to-run-off"] = (Sound with { Settings = [("DOTNET_ReadyToRun", "0")] }, Calm),
        ["server-collector"] = (Sound with { IsServerCollector = true }, Calm),
        ["heap-limit"] = (Sound with { Settings = [("DOTNET_GCHeapHardLimit", "10000000")] }, Calm),
        ["container-processors"] = (Sound with { ProcessorLimit = 1.5 }, Calm),
        ["fewer-threads"] = (Sound with { Threads = 4 }, Calm),
        ["more-threads"] = (Sound with { Threads = 16 }, Calm),
        ["shared-cores"] = (Sound with { Cores = 4 }, Calm),
        ["poor-scale"] = (Sound, Calm with { All = Rates(8, 3) }),
        ["governor"] = (Sound with { Governor = "powersave" }, Calm),
        ["poor-product"] = (Sound, Calm with { One = Rates(1, 1) with { PeakOperations = 4e11 } }),
        ["large-pages"] = (Sound with { LargePages = "never" }, Calm),
        ["container-memory"] = (Sound with { MemoryLimit = 8_000_000_000 }, Calm),
        ["little-memory"] = (Sound with { FreeMemory = 1_000_000_000 }, Calm),
        ["busy"] = (Sound, Calm with { Others = new OtherWork(0.3, 0) }),
        ["stolen"] = (Sound, Calm with { Others = new OtherWork(0, 0.1) }),
    };

    public static TheoryData<string> Names => [.. Ill.Keys];

    private static string[] Found(Machine machine, Measured measured) => [.. MachineFindings.Of(machine, measured).Select(finding => finding.Name)];

    [Fact]
    public void AMachineInOrderHasNoFinding() => Assert.Empty(Found(Sound, Calm));

    [Theory, MemberData(nameof(Names))]
    public void ACauseHasItsFindingAlone(string name)
    {
        (Machine machine, Measured measured) = Ill[name];
        Assert.Equal([name], Found(machine, measured));
        Finding finding = MachineFindings.Of(machine, measured)[0];
        Assert.True(finding.Reason.Length > 20 && finding.Remedy.Length > 5, $"{finding}");
    }

    [Fact]
    public void AReasonNamesWhatIsSet()
    {
        Finding wide = MachineFindings.Of(Ill["avx512-unused"].Machine, Calm)[0];
        Assert.Contains("since DOTNET_EnableAVX512 is 0", wide.Reason, StringComparison.Ordinal);
        Assert.StartsWith("unset DOTNET_EnableAVX512:", wide.Remedy, StringComparison.Ordinal);
        Machine ahead = Sound with { IsAheadOfTime = true, FloatInstructions = "6 x 16, AVX2, since the system refuses executable memory" };
        Assert.Contains("the system refuses executable memory", MachineFindings.Of(ahead, Calm)[0].Remedy, StringComparison.Ordinal);
        Assert.Contains("1.5 processors' time, but 8 threads", MachineFindings.Of(Ill["container-processors"].Machine, Calm)[0].Reason, StringComparison.Ordinal);
        Assert.StartsWith("--threads 1,", MachineFindings.Of(Ill["container-processors"].Machine, Calm)[0].Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherValuesAndOtherProcessorsAreInOrder()
    {
        Assert.Empty(Found(Sound with { Settings = [("DOTNET_EnableAVX512", "1"), ("DOTNET_TieredPGO", "0"), ("DOTNET_ReadyToRun", "1")] }, Calm));
        // Of a processor of another kind it is not known what it has.
        Assert.Empty(Found(Sound with { Features = null, FloatInstructions = "12 x 32, 128-bit vectors", QuantizedInstructions = "portable" }, Calm));
        Assert.Empty(Found(Sound with { IsAheadOfTime = true, Settings = [("DOTNET_TieredCompilation", "0")] }, Calm));
        Assert.Empty(Found(Sound with { ProcessorLimit = 8, MemoryLimit = 64_000_000_000, Governor = null, LargePages = null, Cores = null, FreeMemory = null }, Calm));
        // One thread on one core of two: nobody asks for more than it was given.
        Assert.Equal(["fewer-threads"], Found(Sound with { Threads = 1 }, Calm with { All = Rates(1, 1) }));
    }

    [Fact]
    public void FiguresOfABusyMachineComeFirstAndAreNotBlamed()
    {
        string[] found = Found(Sound with { LargePages = "never" }, Calm with { All = Rates(8, 2), Others = new OtherWork(0.6, 0) });
        Assert.Equal(["busy", "large-pages"], found);
        // Where the system does not tell what others took, its load does.
        Assert.Equal(["busy"], Found(Sound with { LoadAverage = 6.5 }, Calm with { Others = null }));
        Assert.Empty(Found(Sound with { LoadAverage = 6.5 }, Calm));
    }

    [Fact]
    public void AModelHasItsFindings()
    {
        Assert.Equal(["weight-type"], [.. ModelFindings.Of(Sound, Model).Select(finding => finding.Name)]);
        Finding type = ModelFindings.Of(Sound, Model)[0];
        Assert.Contains("as Q4_K about 110 tokens/s, 4.4 times as many, F16 48.0, Q8_0 80.0", type.Reason, StringComparison.Ordinal);
        Assert.Contains("--type Q4_K_M", type.Remedy, StringComparison.Ordinal);
        ModelSpeed smallest = Model with { Others = [] };
        Assert.Empty(ModelFindings.Of(Sound, smallest));
        Assert.Empty(ModelFindings.Of(Sound, Model with { Others = [new OtherType("Q4_K", 1e9, 26)] }));
        Assert.Equal(["model-memory"], [.. ModelFindings.Of(Sound with { FreeMemory = 4_400_000_000 }, smallest).Select(finding => finding.Name)]);
        Assert.Equal(["model-memory"], [.. ModelFindings.Of(Sound with { MemoryLimit = 4_400_000_000 }, smallest).Select(finding => finding.Name)]);
        Assert.Equal(["far-from-floor"], [.. ModelFindings.Of(Sound, smallest with { TokensPerSecond = 10 }).Select(finding => finding.Name)]);
        // Within caches memory is no floor.
        Assert.Empty(ModelFindings.Of(Sound, smallest with { TokensPerSecond = 10, ReadBytes = 1e7 }));
    }
}
