namespace Lemma.Tests;

/// <summary>Reference data that stands beside the repository in a folder "shared"; tests skip without it.</summary>
public static class SharedData
{
    /// <summary>The full path of a file or folder of the shared data, or null when it is not there.</summary>
    public static string? Find(string relative)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Lemma.slnx")))
            {
                string path = Path.GetFullPath(Path.Combine(folder.FullName, "..", "shared", relative));
                return Path.Exists(path) ? path : null;
            }
        return null;
    }

    /// <summary>The full path of a file or folder of the shared data; the running test skips when it is not there.</summary>
    public static string FindOrSkip(string relative)
    {
        string? path = Find(relative);
        if (path is null)
            Assert.Skip($"needs ../shared/{relative}");
        return path;
    }
}
