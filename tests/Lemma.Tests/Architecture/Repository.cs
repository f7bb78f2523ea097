using System.Diagnostics.CodeAnalysis;

namespace Lemma.Tests.Architecture;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The folder that holds Lemma.slnx.</summary>
    public static string Root { get; } = Find();

    /// <summary>Every source file below a folder, generated ones left out.</summary>
    public static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            .Order(StringComparer.Ordinal);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lemma.slnx")))
                return folder.FullName;
        }
        return Fail();
    }

    [DoesNotReturn]
    private static string Fail() => throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds Lemma.slnx");
}
