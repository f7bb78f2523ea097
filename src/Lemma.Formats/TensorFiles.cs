namespace Lemma.Formats;

/// <summary>Finds out what a path holds, and opens it.</summary>
internal static class TensorFiles
{
    private const string IndexSuffix = ".index.json";
    private static readonly string[] Names =
        ["model.safetensors", "model.safetensors" + IndexSuffix, "pytorch_model.bin", "pytorch_model.bin" + IndexSuffix];

    /// <summary>Opens a file, an index or a folder.</summary>
    public static TensorFile Open(string path)
    {
        if (!File.Exists(path))
            return OpenIn(AtomicFolder.Resolve(path));
        return path.EndsWith(IndexSuffix, StringComparison.Ordinal) ? ShardIndex.Open(path) : OpenFile(path);
    }

    /// <summary>Opens one file by what its first bytes say.</summary>
    public static TensorFile OpenFile(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return SafetensorsReader.Read(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
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
