using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lemma.Training;

namespace Lemma.Cli.Runs;

/// <summary>What a process runs on: results do not depend on it, times do.</summary>
internal static class MachineFacts
{
    /// <summary>Lemma's version, with the commit where it is known.</summary>
    public static string Version => typeof(TrainingLoop).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? typeof(TrainingLoop).Assembly.GetName().Version!.ToString();

    /// <summary>The processor's name where the system tells it, else its kind.</summary>
    public static string Processor
    {
        get
        {
            const string Linux = "/proc/cpuinfo", Field = "model name";
            string? line = File.Exists(Linux) ? File.ReadLines(Linux).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) : null;
            string? name = line is null ? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..];
            return name?.Trim() is { Length: > 0 } told ? told : RuntimeInformation.ProcessArchitecture.ToString();
        }
    }

    /// <summary>The width of the vectors that are in use, in bits.</summary>
    public static int VectorBits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    public static int Processors => Environment.ProcessorCount;

    public static string System => $"{RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture})";

    public static string Runtime => RuntimeInformation.FrameworkDescription;
}
