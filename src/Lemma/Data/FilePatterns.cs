using System.IO.Enumeration;

namespace Lemma.Data;

/// <summary>Turns files, folders and globs into a list of files.</summary>
internal static class FilePatterns
{
    private static readonly string[] AnyFile = ["*"], AnyDepth = ["**"];

    /// <summary>Every file behind the arguments, once, in the ordinal order of the full paths; an argument without a file is an
    /// error. Of a folder those with one of the endings count.</summary>
    public static IReadOnlyList<string> Resolve(IReadOnlyList<string> arguments, string[] endings)
    {
        if (arguments.Count == 0)
            throw new InvalidDataException("data: no file is named");
        SortedDictionary<string, string> files = new(StringComparer.Ordinal);
        foreach (string file in arguments.SelectMany(argument => Files(argument, endings)))
            files.TryAdd(Path.GetFullPath(file), file);
        return [.. files.Values];
    }

    private static List<string> Files(string argument, string[] endings)
    {
        if (File.Exists(argument))
            return [argument];
        if (Directory.Exists(argument))
        {
            List<string> inside = [.. Match(argument, AnyDepth)
                .Where(file => endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))];
            return inside.Count > 0 ? inside : throw new FileNotFoundException($"data: the folder '{argument}' has no {Either(endings)} file");
        }
        if (!argument.AsSpan().ContainsAny('*', '?'))
            throw new FileNotFoundException($"data: there is no file or folder '{argument}'");
        List<string> matches = [.. Glob(argument)];
        return matches.Count > 0 ? matches : throw new FileNotFoundException($"data: no file matches '{argument}'");
    }

    private static string Either(string[] endings) => $"{string.Join(", ", endings[..^1])} or {endings[^1]}";

    private static IEnumerable<string> Glob(string pattern)
    {
        string[] parts = pattern.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        int wild = Array.FindIndex(parts, part => part.AsSpan().ContainsAny('*', '?'));
        string root = string.Join(Path.DirectorySeparatorChar, parts[..wild]);
        string start = wild == 0 ? "." : root.Length == 0 ? Path.DirectorySeparatorChar.ToString() : root;
        foreach (string file in Match(start, parts.AsMemory(wild)))
            yield return wild == 0 ? Path.GetRelativePath(".", file) : file;
    }

    // A link to a folder that it lies in would be followed for ever.
    private static bool LeadsUp(string folder)
    {
        DirectoryInfo link = new(folder);
        if (link.LinkTarget is null)
            return false;
        string? target = link.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        return target is null || (Path.GetFullPath(folder) + Path.DirectorySeparatorChar)
            .StartsWith(Path.TrimEndingDirectorySeparator(target) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Match(string folder, ReadOnlyMemory<string> parts)
    {
        if (!Directory.Exists(folder))
            yield break;
        string part = parts.Span[0];
        ReadOnlyMemory<string> rest = parts[1..];
        if (part == "**")
        {
            foreach (string file in Match(folder, rest.IsEmpty ? AnyFile : rest))
                yield return file;
            foreach (string inner in Directory.EnumerateDirectories(folder))
            {
                if (LeadsUp(inner))
                    continue;
                foreach (string file in Match(inner, parts))
                    yield return file;
            }
            yield break;
        }
        foreach (string entry in rest.IsEmpty ? Directory.EnumerateFiles(folder) : Directory.EnumerateDirectories(folder))
        {
            if (!FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(entry), ignoreCase: false))
                continue;
            if (rest.IsEmpty)
                yield return entry;
            else
            {
                foreach (string file in Match(entry, rest))
                    yield return file;
            }
        }
    }
}
