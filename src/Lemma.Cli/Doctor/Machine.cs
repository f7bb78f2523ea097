namespace Lemma.Cli.Doctor;

/// <summary>Instructions that a processor of the x86 kind has, whatever is switched off.</summary>
/// <param name="Avx2">256-bit vectors of whole numbers, with fused multiply-add.</param>
/// <param name="Avx512">512-bit vectors, as .NET needs them: F, CD, BW, DQ and VL.</param>
/// <param name="AvxVnni">Sums of four products of bytes, in 256 bits.</param>
/// <param name="Avx512Vnni">The same in 512 bits.</param>
internal sealed record ProcessorFeatures(bool Avx2, bool Avx512, bool AvxVnni, bool Avx512Vnni);

/// <summary>What a process runs on and how it was told to run: all that rules of <see cref="MachineFindings"/> look at beside measurements.</summary>
internal sealed record Machine
{
    public required string Processor { get; init; }

    public required string System { get; init; }

    public required string Runtime { get; init; }

    /// <summary>What the processor has; null where it is of another kind.</summary>
    public ProcessorFeatures? Features { get; init; }

    /// <summary>What products of float32 and of 16 bits use.</summary>
    public required string FloatInstructions { get; init; }

    /// <summary>What products with quantized weights use.</summary>
    public required string QuantizedInstructions { get; init; }

    /// <summary>Processors that the process may run on.</summary>
    public required int Processors { get; init; }

    /// <summary>Threads in use.</summary>
    public required int Threads { get; init; }

    /// <summary>Cores behind these processors: fewer where two threads share one.</summary>
    public int? Cores { get; init; }

    /// <summary>Processors' worth of time that a container is given; null without a limit.</summary>
    public double? ProcessorLimit { get; init; }

    /// <summary>Whether the program was compiled ahead of time.</summary>
    public bool IsAheadOfTime { get; init; }

    /// <summary>Whether Lemma was built with optimization, and the debugger did not take it away.</summary>
    public bool IsOptimized { get; init; } = true;

    public bool IsServerCollector { get; init; }

    /// <summary>Whether the program is for another kind of processor than the system's.</summary>
    public bool IsEmulated { get; init; }

    /// <summary>Variables of .NET's that change speed and are set, in the order of their names.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings { get; init; } = [];

    /// <summary>When the system gives large pages: always, madvise or never.</summary>
    public string? LargePages { get; init; }

    public required long Memory { get; init; }

    public long? FreeMemory { get; init; }

    /// <summary>Bytes that a container may take; null without a limit.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>How the system chooses frequencies.</summary>
    public string? Governor { get; init; }

    /// <summary>Programs that ran or waited to run in the last minute.</summary>
    public double? LoadAverage { get; init; }

    /// <summary>What could not be found out, each with its reason.</summary>
    public IReadOnlyList<string> NotKnown { get; init; } = [];

    /// <summary>The memory that a model can have now.</summary>
    public long Room => Math.Min(FreeMemory ?? Memory, MemoryLimit ?? long.MaxValue);
}
