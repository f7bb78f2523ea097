using Lemma.Cli.Doctor;
using Lemma.Planning;

namespace Lemma.Tests.Cli.Doctor;

/// <summary>Machines and measurements that are in order, to be changed in one place each.</summary>
internal static class MadeMachines
{
    public static Machine Sound { get; } = new()
    {
        Processor = "a processor",
        System = "a system",
        Runtime = ".NET 10",
        Features = new ProcessorFeatures(Avx2: true, Avx512: true, AvxVnni: true, Avx512Vnni: true),
        FloatInstructions = "12 x 32, AVX-512",
        QuantizedInstructions = "AVX-512 VNNI",
        Processors = 8,
        Threads = 8,
        Cores = 8,
        Memory = 64_000_000_000,
        FreeMemory = 60_000_000_000,
        LargePages = "madvise",
        Governor = "performance",
        LoadAverage = 0.1,
    };

    public static Measured Calm { get; } = new(Rates(1, 1), Rates(8, 7.5), new OtherWork(0.01, 0));

    public static MachineRates Rates(int threads, double times) => new()
    {
        Threads = threads,
        PeakOperations = 2e11 * times,
        ProductOperations = 1.8e11 * times,
        QuantizedOperations = 3e11 * times,
        AttentionOperations = 1.4e11 * times,
        MemoryBytes = 1.5e10 * times,
    };

    public static ModelSpeed Model { get; } = new()
    {
        Name = "a-model",
        Parameters = 1_000_000_000,
        Formats = [("F32", 4_000_000_000L)],
        ReadBytes = 4e9,
        TokensPerSecond = 25,
        Floor = 28.125,
        FirstToken = (512, 1.5),
        PromptRead = 256,
        Cache = (2048, 500_000_000),
        Others = [new OtherType("F16", 2e9, 48), new OtherType("Q8_0", 1.06e9, 80), new OtherType("Q4_K", 0.56e9, 110)],
    };
}
