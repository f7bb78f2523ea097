using System.Buffers.Binary;

namespace Lemma.Formats;

/// <summary>Finds out what a path holds, and opens it.</summary>
internal static class TensorFiles
{
    private const string IndexSuffix = ".index.json";

    // A pickle of protocol 2 that begins with a number of ten bytes.
    private const uint OldTorch = 0x0A8A0280;

    private static readonly string[] Names =
        ["model.safetensors", "model.safetensors" + IndexSuffix, "pytorch_model.bin", "pytorch_model.bin" + IndexSuffix];

    /// <summary>Opens a file, an index or a folder.</summary>
    public static TensorFile Open(string path)
    {
        if (!File.Exists(path))
            return OpenIn(AtomicFolder.Resolve(path));
        if (path.EndsWith(IndexSuffix, StringComparison.Ordinal))
            return ShardIndex.Open(path);
        TensorFile file = OpenFile(path);
        try
        {
            return GgufParts.Complete(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a folder has a model's weights.</summary>
    public static bool AreIn(string folder) => Array.Exists(Names, name => File.Exists(Path.Combine(AtomicFolder.Resolve(folder), name)));

    /// <summary>Opens one file by what its first bytes say.</summary>
    public static TensorFile OpenFile(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return StartOf(file) switch
            {
                GgufReader.Magic => GgufReader.Read(file),
                ZipDirectory.Magic => TorchReader.ReadArchive(file),
                OldTorch => TorchReader.ReadOld(file),
                _ => SafetensorsReader.Read(file),
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static uint StartOf(MappedFile file)
    {
        using MappedFile.Loan loan = file.Borrow();
        return file.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(loan.Slice(0, sizeof(uint)));
    }

    private static TensorFile OpenIn(string folder)
    {
        if (!Directory.Exists(folder))
            throw new FileNotFoundException($"tensors: there is no file and no folder '{folder}'");
        string? name = Array.Find(Names, name => File.Exists(Path.Combine(folder, name)));
        return name is null ? throw new FileNotFoundException($"tensors: the folder '{folder}' has none of {string.Join(", ", Names)}")
            : Open(Path.Combine(folder, name));
    }
}
