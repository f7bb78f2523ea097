using System.Buffers.Binary;
using System.Text;

namespace Lemma.Formats;

/// <summary>The entries of a ZIP archive that are stored as they are, and where their bytes lie; ZIP64 as well.</summary>
internal static class ZipDirectory
{
    /// <summary>The first four bytes of an archive, as a number.</summary>
    public const uint Magic = 0x04034B50;

    private const uint EndMagic = 0x06054B50, LargeEndMagic = 0x06064B50, LocatorMagic = 0x07064B50, EntryMagic = 0x02014B50;
    private const int EndBytes = 22, LocatorBytes = 20, LargeEndBytes = 56, EntryBytes = 46, LocalBytes = 30, LongestComment = 65535;
    private const int MostEntries = 1 << 20;
    private const uint Large = uint.MaxValue;

    /// <summary>Reads the directory; errors do not name the file.</summary>
    public static Dictionary<string, (long Begin, long Bytes)> Read(MappedFile.Loan loan, long length)
    {
        (long at, long bytes, long count) = FindDirectory(loan, length);
        if (count < 0 || count > MostEntries || count > bytes / EntryBytes || at < 0 || bytes < 0 || bytes > int.MaxValue || at > length - bytes)
            throw Broken($"its directory of {count} entries in {bytes} bytes from byte {at} on does not fit into the file");
        ReadOnlySpan<byte> directory = loan.Slice(at, (int)bytes);
        Dictionary<string, (long, long)> entries = new(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            if (directory.Length < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(directory) != EntryMagic)
                throw Broken($"entry {i} of its directory is none");
            int name = Short(directory, 28), extra = Short(directory, 30), all = EntryBytes + name + extra + Short(directory, 32);
            if (all > directory.Length)
                throw Broken($"entry {i} of its directory is cut off");
            string text = Encoding.UTF8.GetString(directory.Slice(EntryBytes, name));
            if ((Short(directory, 8) & 1) != 0)
                throw Broken($"'{text}' is encrypted");
            if (Short(directory, 10) != 0)
                throw Broken($"'{text}' is compressed, which PyTorch's own files never are");
            (long size, long place) = Sizes(directory, directory.Slice(EntryBytes + name, extra), text);
            if (!entries.TryAdd(text, (Data(loan, length, place, size, directory.Slice(EntryBytes, name), text), size)))
                throw Broken($"'{text}' stands twice");
            directory = directory[all..];
        }
        return entries;
    }

    private static (long At, long Bytes, long Count) FindDirectory(MappedFile.Loan loan, long length)
    {
        int searched = (int)Math.Min(length, EndBytes + LongestComment);
        ReadOnlySpan<byte> tail = loan.Slice(length - searched, searched);
        for (int i = searched - EndBytes; i >= 0; i--)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(tail[i..]) != EndMagic || Short(tail, i + 20) != searched - EndBytes - i)
                continue;
            long place = length - searched + i;
            int count = Short(tail, i + 10);
            uint bytes = Int(tail, i + 12), at = Int(tail, i + 16);
            return count == ushort.MaxValue || bytes == Large || at == Large ? FindLarge(loan, length, place) : (at, bytes, count);
        }
        throw Broken("truncated: it has no end of an archive");
    }

    private static (long At, long Bytes, long Count) FindLarge(MappedFile.Loan loan, long length, long end)
    {
        ReadOnlySpan<byte> locator = end < LocatorBytes ? default : loan.Slice(end - LocatorBytes, LocatorBytes);
        if (locator.Length == 0 || Int(locator, 0) != LocatorMagic)
            throw Broken("its ZIP64 directory is not to be found");
        long place = Long(locator, 8);
        if (place < 0 || place > length - LargeEndBytes || Int(loan.Slice(place, 4), 0) != LargeEndMagic)
            throw Broken($"its ZIP64 directory does not end at byte {place}");
        ReadOnlySpan<byte> large = loan.Slice(place, LargeEndBytes);
        return (Long(large, 48), Long(large, 40), Long(large, 32));
    }

    private static (long Size, long Place) Sizes(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra, string name)
    {
        long stored = Int(entry, 20), size = Int(entry, 24), place = Int(entry, 42);
        while (extra.Length >= 4 && Short(extra, 2) <= extra.Length - 4)
        {
            ReadOnlySpan<byte> field = extra.Slice(4, Short(extra, 2));
            if (Short(extra, 0) == 1)
            {
                size = size == Large ? Next(ref field, name) : size;
                stored = stored == Large ? Next(ref field, name) : stored;
                place = place == Large ? Next(ref field, name) : place;
            }
            extra = extra[(4 + Short(extra, 2))..];
        }
        return stored == size ? (size, place) : throw Broken($"'{name}' has {stored} bytes and would have {size}, but nothing is compressed");
    }

    private static long Next(ref ReadOnlySpan<byte> field, string name)
    {
        if (field.Length < 8)
            throw Broken($"'{name}' has a ZIP64 field that is cut off");
        long value = Long(field, 0);
        field = field[8..];
        return value;
    }

    private static long Data(MappedFile.Loan loan, long length, long place, long size, ReadOnlySpan<byte> name, string text)
    {
        if (place < 0 || place > length - LocalBytes || Int(loan.Slice(place, LocalBytes), 0) != Magic)
            throw Broken($"'{text}' does not begin at byte {place}");
        ReadOnlySpan<byte> local = loan.Slice(place, LocalBytes);
        long begin = place + LocalBytes + Short(local, 26) + Short(local, 28);
        if (size < 0 || begin > length || size > length - begin)
            throw Broken($"truncated: '{text}' has {size} bytes from byte {begin} on, but the file has {length} bytes");
        if (Short(local, 26) != name.Length || !loan.Slice(place + LocalBytes, name.Length).SequenceEqual(name))
            throw Broken($"'{text}' has another name at byte {place}");
        return begin;
    }

    private static int Short(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint Int(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static InvalidDataException Broken(string reason) => new($"the archive is broken: {reason}");
}
