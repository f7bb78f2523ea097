using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>Memory for machine code that is written first, then made executable and read-only: never both, never given back.</summary>
internal static unsafe partial class CodePages
{
    /// <summary>A copy of code that can be called, or null where the system refuses executable memory.</summary>
    public static byte* Load(ReadOnlySpan<byte> code)
    {
        nuint size = (nuint)code.Length;
        if (OperatingSystem.IsWindows())
        {
            const uint Commit = 0x1000, Reserve = 0x2000, ReadWrite = 0x04, ExecuteRead = 0x20;
            byte* pages = VirtualAlloc(null, size, Commit | Reserve, ReadWrite);
            if (pages == null)
                return null;
            code.CopyTo(new Span<byte>(pages, code.Length));
            return VirtualProtect(pages, size, ExecuteRead, out _) != 0 ? pages : null;
        }
        else
        {
            const int Read = 1, Write = 2, Execute = 4, Private = 2;
            int anonymous = OperatingSystem.IsMacOS() ? 0x1000 : 0x20;
            byte* pages = MapMemory(null, size, Read | Write, Private | anonymous, -1, 0);
            if ((nint)pages == -1)
                return null;
            code.CopyTo(new Span<byte>(pages, code.Length));
            return ProtectMemory(pages, size, Read | Execute) == 0 ? pages : null;
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial byte* MapMemory(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int ProtectMemory(void* address, nuint length, int protection);

    [LibraryImport("kernel32")]
    private static partial byte* VirtualAlloc(void* address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint old);
}
