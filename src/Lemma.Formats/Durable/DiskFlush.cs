using System.Runtime.InteropServices;

namespace Lemma.Formats;

/// <summary>Makes names durable: a renamed file survives a power cut only once its folder is flushed as well.</summary>
/// <remarks>.NET flushes files but opens no folders, so on Unix the two calls go to the C library; Windows journals its folders
/// itself.</remarks>
internal static partial class DiskFlush
{
    private const int InvalidArgument = 22;

    /// <summary>Flushes a file's bytes to disk.</summary>
    public static void File(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Flushes the names in a folder to disk.</summary>
    public static void Folder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        int handle = Open(path, 0);
        if (handle < 0)
            throw new IOException($"flush: the folder '{path}' cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        int result = Synchronize(handle), error = Marshal.GetLastPInvokeError();
        _ = Close(handle);
        // File systems that cannot flush folders say so with EINVAL; there is nothing more to ask of them.
        if (result < 0 && error != InvalidArgument)
            throw new IOException($"flush: the folder '{path}' cannot be flushed: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Flushes every file and folder below a folder, and the folder itself.</summary>
    public static void Tree(string path)
    {
        foreach (string file in Directory.EnumerateFiles(path))
            File(file);
        foreach (string folder in Directory.EnumerateDirectories(path))
            Tree(folder);
        Folder(path);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
