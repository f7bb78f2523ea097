using Lemma.Cli.Runs;
using Lemma.Compute;
using Lemma.Planning;

namespace Lemma.Cli.Plans;

/// <summary>Where what was measured of this machine is kept: in the user's cache, a file a processor and number of threads.</summary>
internal static class MachineProfiles
{
    /// <summary>The usual place.</summary>
    public static string UsualPath(int threads)
    {
        string cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } given ? given : OperatingSystem.IsWindows()
            ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        string name = string.Concat($"{MachineFacts.Processor} {threads} threads {MachineFacts.VectorBits}"
            .Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-'));
        return Path.Combine(cache, "lemma", $"{name.ToLowerInvariant()}.json");
    }

    /// <summary>What was measured; null where nothing was.</summary>
    public static MachineProfile? Find(string path) => File.Exists(path) ? MachineProfile.Read(path) : null;

    /// <summary>Measures, and keeps what comes out.</summary>
    public static MachineProfile Measure(string path, int? threads)
    {
        using Workers workers = new(threads);
        Console.Error.WriteLine("lemma plan: measuring this machine, a minute or two; let it do nothing else meanwhile");
        MachineProfile profile = MachineProfile.Measure(workers, MachineFacts.Processor, new Lines());
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        profile.Write(path);
        return profile;
    }

    private sealed class Lines : IProgress<string>
    {
        public void Report(string value) => Console.Error.WriteLine($"  {value}");
    }
}
