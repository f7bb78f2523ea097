using System.Globalization;

namespace Lemma.Cli.Doctor;

/// <summary>Limits that Linux sets to a group of processes, as containers are: version 2 (one tree) and version 1 (a tree a kind).</summary>
/// <remarks>A limit of a group holds for those below it, so the least along the path counts. Source: Documentation/admin-guide/cgroup-v2.rst and
/// cgroup-v1 of the Linux kernel.</remarks>
internal static class ControlGroup
{
    private const string Groups = "/proc/self/cgroup", Tree = "/sys/fs/cgroup";

    // What version 1 says without a limit: the largest number of whole pages, and a hypervisor's own rounding of it.
    private const long NoLimit = 1L << 60;

    /// <summary>Processors' worth of time; null without a limit.</summary>
    public static double? Processors(SystemFiles files)
    {
        const string told = "a container's limit of processors";
        List<double> limits = [];
        foreach (string folder in Folders(files, "cpu"))
        {
            // "max 100000" or "150000 100000": microseconds of each period.
            if (files.ReadIfThere($"{folder}/cpu.max", told)?.Split(' ') is [var most, var each] && Number(most) is { } quota && Number(each) is > 0 and var period)
                limits.Add(quota / period);
            if (files.ReadIfThere($"{folder}/cpu.cfs_quota_us", told) is { } old && Number(old) is > 0 and var microseconds
                && files.ReadIfThere($"{folder}/cpu.cfs_period_us", told) is { } length && Number(length) is > 0 and var span)
                limits.Add(microseconds / span);
        }
        return limits.Count == 0 ? null : limits.Min();
    }

    /// <summary>Bytes of memory; null without a limit.</summary>
    public static long? Memory(SystemFiles files)
    {
        const string told = "a container's limit of memory";
        List<double> limits = [];
        foreach (string folder in Folders(files, "memory"))
        {
            foreach (string name in (string[])["memory.max", "memory.limit_in_bytes"])
            {
                if (files.ReadIfThere($"{folder}/{name}", told) is { } text && Number(text) is > 0 and < NoLimit and var bytes)
                    limits.Add(bytes);
            }
        }
        return limits.Count == 0 ? null : (long)limits.Min();
    }

    // From the process's own group up to the root; within a container the path is often that of the host, and the root alone is there.
    private static IEnumerable<string> Folders(SystemFiles files, string kind)
    {
        foreach (string line in files.Read(Groups, $"a container's limits of {kind}")?.Split('\n') ?? [])
        {
            // "0::/a/b" of version 2, "4:cpu,cpuacct:/a/b" of version 1.
            if (line.Split(':', 3) is not [var number, var kinds, var path]
                || !(number == "0" && kinds.Length == 0 || kinds.Split(',').Contains(kind)))
                continue;
            string tree = kinds.Length == 0 ? Tree : $"{Tree}/{kind}";
            for (string rest = path.TrimEnd('/'); rest.Length > 0; rest = rest[..rest.LastIndexOf('/')])
                yield return tree + rest;
            yield return tree;
        }
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out double value) ? value : null;
}
