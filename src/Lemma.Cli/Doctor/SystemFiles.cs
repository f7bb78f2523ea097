namespace Lemma.Cli.Doctor;

/// <summary>Files in which a system tells of itself; what is not there or may not be read is noted.</summary>
/// <param name="root">The root of the paths: another one in tests.</param>
internal sealed class SystemFiles(string root)
{
    private readonly List<string> notKnown = [];

    /// <summary>What could not be read, and why.</summary>
    public IReadOnlyList<string> NotKnown => notKnown;

    public string FullPath(string path) => Path.Combine(root, path.TrimStart('/'));

    /// <summary>The text of a file without its last line's end; null, noted for what it would have told, where it cannot be read.</summary>
    public string? Read(string path, string told)
    {
        string? text = TryRead(path, out string? why);
        if (text is null)
            notKnown.Add($"{told}: {why}");
        return text;
    }

    /// <summary>The same where it is usual that there is no such file.</summary>
    public string? ReadIfThere(string path, string told) => File.Exists(FullPath(path)) ? Read(path, told) : null;

    public void Note(string told, string why) => notKnown.Add($"{told}: {why}");

    // Files of the kernel may be there and refuse to be read.
    private string? TryRead(string path, out string? why)
    {
        why = null;
        try
        {
            if (File.Exists(FullPath(path)))
                return File.ReadAllText(FullPath(path)).TrimEnd();
            why = $"there is no {path}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            why = e.Message;
        }
        return null;
    }
}
