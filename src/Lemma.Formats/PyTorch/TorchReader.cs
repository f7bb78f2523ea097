using System.Buffers.Binary;
using System.Numerics;

namespace Lemma.Formats;

/// <summary>Reads the tensors of PyTorch's files, <c>.bin</c>, <c>.pt</c> and <c>.pth</c>: archives (PyTorch 1.6 and newer) and the older form.</summary>
/// <remarks>
/// Nothing of a file is run. Names of tensors in dictionaries and lists inside of others are joined by points: <c>model.0.weight</c>.
/// </remarks>
internal static class TorchReader
{
    private const string PickleName = "/data.pkl";
    private const int MostPickleBytes = 1 << 27, OldVersion = 1001;
    private static readonly BigInteger OldMagic = new([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]);

    /// <summary>Reads an archive; the file belongs to what is returned.</summary>
    public static TensorFile ReadArchive(MappedFile file) => Named(file, static (loan, file) =>
    {
        Dictionary<string, (long Begin, long Bytes)> entries = ZipDirectory.Read(loan, file.Length);
        string[] pickles = [.. entries.Keys.Where(static name => name.EndsWith(PickleName, StringComparison.Ordinal)
            && name.IndexOf('/') == name.Length - PickleName.Length)];
        if (pickles.Length != 1)
            throw new InvalidDataException($"the archive must have one NAME{PickleName}, but has {pickles.Length}");
        string folder = pickles[0][..^PickleName.Length];
        if (entries.TryGetValue(folder + "/byteorder", out (long Begin, long Bytes) order)
            && (order.Bytes > 16 || !loan.Slice(order.Begin, (int)order.Bytes).SequenceEqual("little"u8)))
            throw new InvalidDataException("the byte order must be little, but is not");
        (long begin, long bytes) = entries[pickles[0]];
        if (bytes > MostPickleBytes)
            throw new InvalidDataException($"data.pkl must have at most {MostPickleBytes} bytes, but has {bytes}");
        Dictionary<string, TorchStorage> storages = new(StringComparer.Ordinal);
        object? root = new PickleMachine(new PickleCursor(loan, begin, begin + bytes, "data.pkl"), storages).Run();
        foreach (TorchStorage storage in storages.Values)
        {
            if (!entries.TryGetValue($"{folder}/data/{storage.Key}", out (long Begin, long Bytes) data))
                throw new InvalidDataException($"the storage '{storage.Key}' is missing");
            Place(storage, data.Begin, data.Bytes);
        }
        return root;
    });

    /// <summary>Reads a file of the older form; the file belongs to what is returned.</summary>
    public static TensorFile ReadOld(MappedFile file) => Named(file, static (loan, file) =>
    {
        Dictionary<string, TorchStorage> storages = new(StringComparer.Ordinal);
        long at = 0;
        if (Run(loan, file, storages, ref at) is not BigInteger magic || magic != OldMagic)
            throw new InvalidDataException("the file must start with PyTorch's number, but does not");
        if (Run(loan, file, storages, ref at) is not (long)OldVersion)
            throw new InvalidDataException($"the version must be {OldVersion}, but is not");
        if (Run(loan, file, storages, ref at) is not PickleDictionary system || system["little_endian"] is not true)
            throw new InvalidDataException("the byte order must be little, but is not");
        object? root = Run(loan, file, storages, ref at);
        if (Run(loan, file, storages, ref at) is not List<object?> keys || keys.Count != storages.Count)
            throw new InvalidDataException($"a list of its {storages.Count} storages must follow, but does not");
        foreach (object? key in keys)
        {
            if (key is not string name || !storages.TryGetValue(name, out TorchStorage? storage) || storage.Begin >= 0)
                throw new InvalidDataException($"the list of storages has '{PickleCursor.Shown(key)}' twice, or no tensor has it");
            if (file.Length - at < sizeof(long))
                throw new InvalidDataException($"truncated: the storage '{name}' is missing");
            long count = BinaryPrimitives.ReadInt64LittleEndian(loan.Slice(at, sizeof(long)));
            if (count != storage.Count)
                throw new InvalidDataException($"the storage '{name}' must have {storage.Count} elements, but has {count}");
            at += sizeof(long);
            long bytes = SizeOf(storage);
            if (bytes > file.Length - at)
                throw new InvalidDataException($"truncated: the storage '{name}' of {bytes} bytes begins at byte {at}, but the file has {file.Length} bytes");
            Place(storage, at, bytes);
            at += bytes;
        }
        return root;
    });

    private delegate object? Reader(MappedFile.Loan loan, MappedFile file);

    private static TensorFile Named(MappedFile file, Reader read)
    {
        try
        {
            using MappedFile.Loan loan = file.Borrow();
            return new TensorFile(file.Path, TorchTree.Collect(read(loan, file), file), new Dictionary<string, object>(), [file]);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{file.Path}: PyTorch: {error.Message}", error);
        }
    }

    private static object? Run(MappedFile.Loan loan, MappedFile file, Dictionary<string, TorchStorage> storages, ref long at)
    {
        PickleMachine machine = new(new PickleCursor(loan, at, Math.Min(file.Length, at + MostPickleBytes), $"the pickle from byte {at} on"), storages);
        object? value = machine.Run();
        at = machine.Position;
        return value;
    }

    private static void Place(TorchStorage storage, long begin, long bytes)
    {
        if (bytes != SizeOf(storage))
            throw new InvalidDataException($"the storage '{storage.Key}' of {storage.Count} elements of {storage.Element} must have {SizeOf(storage)} bytes, "
                + $"but has {bytes}");
        storage.Begin = begin;
    }

    private static long SizeOf(TorchStorage storage) => storage.Count <= long.MaxValue / 16 ? storage.Count * ElementTypes.BytesOf(storage.Element)!.Value
        : throw new InvalidDataException($"the storage '{storage.Key}' of {storage.Count} elements is larger than any file");
}
