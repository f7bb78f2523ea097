using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>Asks the system to serve large blocks by large pages: a model's weights are touched in a hundredth of the page faults then.</summary>
internal static unsafe partial class LargePages
{
    private const nuint PageBytes = 2 << 20, LeastBytes = 2 * PageBytes;
    private const int HugePages = 14;

    /// <summary>Advises for the whole pages within a block; nothing happens where blocks are small or the system has no such advice.</summary>
    public static void Advise(void* memory, nuint bytes)
    {
        if (bytes < LeastBytes || !OperatingSystem.IsLinux())
            return;
        nuint first = ((nuint)memory + PageBytes - 1) & ~(PageBytes - 1), end = ((nuint)memory + bytes) & ~(PageBytes - 1);
        // It is advice: a kernel that refuses serves small pages, with the same contents.
        _ = AdviseMemory((void*)first, end - first, HugePages);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseMemory(void* address, nuint length, int advice);
}
