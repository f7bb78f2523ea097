using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Lemma.Formats;

/// <summary>A file in memory without a copy of it: pages are read when they are touched. Any number of threads may borrow its bytes.</summary>
/// <remarks>
/// A disposed file lends nothing, and its memory stays until the last loan ends. The operating system ends a process that touches a page
/// behind the end of a file, so every loan asks first whether the file became shorter.
/// </remarks>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly FileStream stream;
    private readonly MemoryMappedFile? map;
    private readonly MemoryMappedViewAccessor? view;

    private MappedFile(string path)
    {
        Path = path;
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        try
        {
            Length = stream.Length;
            if (Length == 0)
                return;
            map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            view = map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The path that errors name.</summary>
    public string Path { get; }

    /// <summary>How many bytes the file had when it was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a file for reading.</summary>
    public static MappedFile Open(string path) => new(path);

    /// <summary>Copies bytes from a place on: what is read once comes faster so than by touching pages, and none of the file stays in memory.</summary>
    public void Read(Span<byte> destination, long at)
    {
        ObjectDisposedException.ThrowIf(stream.SafeFileHandle.IsClosed, this);
        for (int done = 0, read; done < destination.Length; done += read)
        {
            read = RandomAccess.Read(stream.SafeFileHandle, destination[done..], at + done);
            if (read == 0)
                throw Fault.In(Path, $"truncated while it was read: it had {Length} bytes and ends at byte {at + done}");
        }
    }

    /// <summary>Lends the bytes until the loan is disposed.</summary>
    public Loan Borrow()
    {
        ObjectDisposedException.ThrowIf(stream.SafeFileHandle.IsClosed, this);
        long length = RandomAccess.GetLength(stream.SafeFileHandle);
        if (length < Length)
            throw Fault.In(Path, $"truncated while it was read: it had {Length} bytes and has {length}");
        return new Loan(this);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        view?.Dispose();
        map?.Dispose();
        stream.Dispose();
    }

    /// <summary>The right to read the file's bytes.</summary>
    public ref struct Loan
    {
        private readonly MappedFile file;
        private readonly SafeMemoryMappedViewHandle? handle;
        private readonly byte* start;

        internal Loan(MappedFile file)
        {
            this.file = file;
            handle = file.view?.SafeMemoryMappedViewHandle;
            handle?.AcquirePointer(ref start);
        }

        /// <summary>Bytes from a place on; an error where the file has fewer.</summary>
        public readonly ReadOnlySpan<byte> Slice(long at, int count)
        {
            if (at < 0 || count < 0 || at > file.Length - count)
                throw Fault.In(file.Path, $"truncated: {count} bytes are needed from byte {at} on, but the file has {file.Length} bytes");
            return new ReadOnlySpan<byte>(start + at, count);
        }

        /// <summary>Gives the bytes back.</summary>
        public readonly void Dispose() => handle?.ReleasePointer();
    }
}
