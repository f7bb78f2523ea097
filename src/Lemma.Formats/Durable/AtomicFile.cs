namespace Lemma.Formats;

/// <summary>Writes a file so that its name holds the old bytes or the new ones, never a part.</summary>
public static class AtomicFile
{
    /// <summary>The end of the name under which a file or folder is built.</summary>
    internal const string PartialSuffix = ".partial";

    /// <summary>Writes beside the path, flushes to disk and renames over the path; on an error the old file is left as it was.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path), partial = full + PartialSuffix;
        try
        {
            using (FileStream stream = new(partial, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, full, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
        DiskFlush.Folder(Path.GetDirectoryName(full)!);
    }
}
