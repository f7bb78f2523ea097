using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lemma.Formulas;

namespace Lemma.Tests.Oracles;

/// <summary>Native memory whose every block ends at a page that must not be touched and begins as NaN: a step beyond it ends the run.</summary>
/// <remarks>On with <c>LEMMA_GUARD=1</c>, for a run of its own (<c>.ci/run</c> has one): each tensor takes pages, so steps are slow.</remarks>
internal sealed unsafe partial class GuardedMemory : NativeSource
{
    private static readonly nuint Page = (nuint)Environment.SystemPageSize;

    /// <summary>Whether this run is guarded.</summary>
    public static bool IsOn { get; } = Environment.GetEnvironmentVariable("LEMMA_GUARD") == "1";

    public override bool IsExact => true;

    public override void* Take(nuint bytes, bool isCleared)
    {
        nuint used = (bytes + Page - 1) / Page * Page;
        byte* start = Map(null, used + Page, protection: 3, OperatingSystem.IsMacOS() ? 0x1002 : 0x22, -1, 0);
        if ((nint)start == -1)
            throw new InvalidOperationException($"guard: no pages for {bytes} bytes");
        if (Protect(start + used, Page, 0) != 0)
            throw new InvalidOperationException("guard: the page behind a block could not be protected");
        return start + used - bytes;
    }

    public override void Return(void* memory, nuint bytes)
    {
        nuint used = (bytes + Page - 1) / Page * Page;
        if (Unmap((byte*)memory + bytes - used, used + Page) != 0)
            throw new InvalidOperationException("guard: the pages of a block could not be given back");
    }

    public override void Poison(void* memory, nuint bytes) => new Span<float>(memory, checked((int)(bytes / sizeof(float)))).Fill(float.NaN);

    [ModuleInitializer]
    internal static void SwitchOn()
    {
        if (IsOn)
            NativeBlock.Source = new GuardedMemory();
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(void* address, nuint length);
}
