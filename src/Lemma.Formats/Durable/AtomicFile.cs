namespace Lemma.Formats;

/// <summary>Writes a file so that its name holds the old bytes or the new ones, never a part.</summary>
public static class AtomicFile
{
    /// <summary>The end of the name under which a file or folder is built.</summary>
    internal const string PartialSuffix = ".partial";

    /// <summary>Writes beside the path, flushes to disk and renames over the path; on an error the old file is left as it was. In a folder
    /// that <see cref="AtomicFolder"/> builds a file needs neither, since the folder is flushed and renamed as a whole.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path), partial = full + PartialSuffix;
        if (AtomicFolder.IsBuilding(full))
        {
            using FileStream part = new(full, FileMode.Create, FileAccess.Write, FileShare.None);
            write(part);
            return;
        }
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
