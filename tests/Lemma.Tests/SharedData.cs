namespace Lemma.Tests;

/// <summary>The folder of reference data beside the repository, for tests that read what is not ours to copy.</summary>
public static class SharedData
{
    /// <summary>The full path of a file or folder below <c>../shared</c>, or null when it is not on this machine.</summary>
    public static string? Find(string relative)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Lemma.slnx")))
                continue;
            string path = Path.GetFullPath(Path.Combine(folder.FullName, "..", "shared", relative));
            return File.Exists(path) || Directory.Exists(path) ? path : null;
        }
        return null;
    }

    /// <summary>As <see cref="Find"/>, but skips the test when the data is not there.</summary>
    public static string Require(string relative)
    {
        string? path = Find(relative);
        if (path == null)
            Assert.Skip($"the reference data ../shared/{relative} is not on this machine");
        return path;
    }
}
