using System.Collections.Concurrent;

namespace Lemma.Formats;

/// <summary>Writes a folder so that, killed at any instant, the last complete one can be read.</summary>
/// <remarks>
/// No file system swaps two folders in one portable call, so the swap has three steps, and <see cref="Resolve"/> knows the state between
/// them.
/// <list type="number">
/// <item>NAME.partial is filled, and every file and folder in it is flushed. Killed here: NAME is untouched.</item>
/// <item>NAME is renamed to NAME.previous. Killed here: NAME is missing, and NAME.previous is complete and is what <see cref="Resolve"/>
/// finds.</item>
/// <item>NAME.partial is renamed to NAME. Killed here or later: NAME is the new one, and it goes before NAME.previous.</item>
/// </list>
/// NAME.previous is renamed to NAME.discarded before it is deleted, so whatever is called NAME or NAME.previous is always complete.
/// NAME.partial and NAME.discarded are never read; the next write removes them. One process writes a folder at a time.
/// </remarks>
public static class AtomicFolder
{
    private const string PreviousSuffix = ".previous", DiscardedSuffix = ".discarded";
    private static readonly ConcurrentDictionary<string, bool> Building = new(StringComparer.Ordinal);

    /// <summary>Builds a folder by <paramref name="fill"/>, which gets the path to write into, and puts it in the place of the old one, if
    /// any.</summary>
    public static void Write(string path, Action<string> fill)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), parent = Path.GetDirectoryName(full)!;
        string partial = full + AtomicFile.PartialSuffix, previous = full + PreviousSuffix;
        if (!Building.TryAdd(partial, true))
            throw new IOException($"folder: '{full}' is being written already");
        try
        {
            DeleteIfPresent(partial);
            Directory.CreateDirectory(partial);
            fill(partial);
            DiskFlush.Tree(partial);
        }
        catch
        {
            DeleteIfPresent(partial);
            throw;
        }
        finally
        {
            Building.TryRemove(partial, out _);
        }
        if (Directory.Exists(full))
        {
            Discard(full, previous);
            Directory.Move(full, previous);
        }
        Directory.Move(partial, full);
        DiskFlush.Folder(parent);
        Discard(full, previous);
    }

    /// <summary>The complete folder of a name: NAME itself, or NAME.previous when a swap was cut short; NAME when there is
    /// neither.</summary>
    public static string Resolve(string path)
    {
        string trimmed = Path.TrimEndingDirectorySeparator(path);
        return !Directory.Exists(trimmed) && Directory.Exists(trimmed + PreviousSuffix) ? trimmed + PreviousSuffix : trimmed;
    }

    /// <summary>Deletes a folder and what an interrupted <see cref="Write"/> left beside it; other names stay, such as NAME.backup.</summary>
    public static void Delete(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        foreach (string suffix in (string[])[AtomicFile.PartialSuffix, DiscardedSuffix, PreviousSuffix, ""])
            DeleteIfPresent(full + suffix);
    }

    /// <summary>Whether a file lies in a folder that is being built, and so is flushed and renamed with it.</summary>
    internal static bool IsBuilding(string file)
    {
        for (string? folder = Path.GetDirectoryName(file); folder is not null && !Building.IsEmpty; folder = Path.GetDirectoryName(folder))
            if (Building.ContainsKey(folder))
                return true;
        return false;
    }

    private static void Discard(string full, string previous)
    {
        string discarded = full + DiscardedSuffix;
        DeleteIfPresent(discarded);
        if (!Directory.Exists(previous))
            return;
        Directory.Move(previous, discarded);
        Directory.Delete(discarded, recursive: true);
    }

    private static void DeleteIfPresent(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
