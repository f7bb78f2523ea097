namespace Lemma.Text.Files;

/// <summary>Files as bytes, with a limit before memory is taken.</summary>
internal static class FileBytes
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const long Largest = 512L << 20;

    /// <summary>The bytes of a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is too large.</exception>
    public static byte[] Read(string path)
    {
        FileInfo file = new(path);
        if (!file.Exists)
            throw new FileNotFoundException($"tokenizer: there is no file {path}", path);
        if (file.Length > Largest)
            throw new InvalidDataException($"{file.Name}: the file must have at most {Largest} bytes, but has {file.Length}");
        return File.ReadAllBytes(path);
    }
}
