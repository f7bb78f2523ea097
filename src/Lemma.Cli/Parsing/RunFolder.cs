using Lemma.Checkpoints;
using Lemma.Formats;

namespace Lemma.Cli.Parsing;

/// <summary>The folder of a run: whether it may be written, and what belongs to a run in it.</summary>
internal static class RunFolder
{
    private static readonly string[] Folders = ["best", "last", "model"], Files = ["metrics.jsonl", "timings.jsonl", "run.json", "options.yaml"];

    /// <summary>Refuses a folder that holds something, unless the run goes on or begins anew.</summary>
    public static void Check(string folder, bool resume, bool force)
    {
        if (resume && force)
            throw new UsageException("--resume and --force exclude each other");
        if (File.Exists(folder))
            throw new UsageException($"--out: '{folder}' is a file");
        bool filled = Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
        if (resume && !TrainingState.Exists(Path.Combine(folder, "last")))
            throw new UsageException($"--resume: the folder '{folder}' has no checkpoint");
        if (filled && !resume && !force)
            throw new UsageException($"--out: the folder '{folder}' exists already; --resume goes on with its run, --force begins anew");
    }

    /// <summary>Removes the files of an earlier run, and nothing else.</summary>
    public static void Clear(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (string name in Folders)
            AtomicFolder.Delete(Path.Combine(folder, name));
        foreach (string name in Files)
            File.Delete(Path.Combine(folder, name));
    }
}
