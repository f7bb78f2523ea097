using System.Security.Cryptography;

namespace Lemma.Text;

/// <summary>Odd numbers that hashes multiply by, drawn anew in every process.</summary>
/// <remarks>Whoever writes a file or a text could make thousands of keys that meet in one slot if the numbers were known. No result depends
/// on them: tables are only looked up, never listed.</remarks>
internal static class HashKeys
{
    /// <summary>A number for the first part of a key, or for the only one.</summary>
    public static readonly ulong First = Draw();

    /// <summary>A number for the second part of a key.</summary>
    public static readonly ulong Second = Draw();

    // Odd, and its highest bit set, so that every bit of a key reaches the highest ones.
    private static ulong Draw() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 0x8000_0000_0000_0001UL;
}
