using System.Globalization;
using System.Text.RegularExpressions;

namespace Lemma.Formats;

/// <summary>GGUF files in parts, <c>NAME-00001-of-00003.gguf</c>: each a file of its own, the first with the values.</summary>
internal static partial class GgufParts
{
    private const string CountName = "split.count", NumberName = "split.no", TensorsName = "split.tensors.count";

    /// <summary>A file as it is, or with the other parts when it is one of several.</summary>
    public static TensorFile Complete(TensorFile part)
    {
        if (Number(part, CountName) is not { } count || count == 1)
            return part;
        string name = Path.GetFileName(part.Path), folder = Path.GetDirectoryName(Path.GetFullPath(part.Path))!;
        Match match = Name().Match(name);
        if (count is < 1 or > 99999 || !match.Success || match.Groups[3].Value != count.ToString("D5", CultureInfo.InvariantCulture))
            throw Fault.In(part.Path, $"GGUF: one of {count} parts must be called NAME-00001-of-{count:D5}.gguf, but is called {name}");
        string[] names = [.. Enumerable.Range(1, (int)count).Select(number => string.Create(CultureInfo.InvariantCulture,
            $"{match.Groups[1].Value}-{number:D5}-of-{count:D5}.gguf"))];
        string[] missing = [.. names.Where(name => !File.Exists(Path.Combine(folder, name)))];
        if (missing.Length > 0)
            throw new FileNotFoundException($"{part.Path}: GGUF: {missing.Length} of {count} parts are missing, the first of them {missing[0]}");
        List<TensorFile> parts = [];
        try
        {
            foreach (string one in names)
                parts.Add(one == name ? part : TensorFiles.OpenFile(Path.Combine(folder, one)));
            return Joined(part.Path, parts);
        }
        catch
        {
            foreach (TensorFile one in parts)
                one.Dispose();
            throw;
        }
    }

    private static TensorFile Joined(string path, List<TensorFile> parts)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        for (int i = 0; i < parts.Count; i++)
        {
            if (Number(parts[i], NumberName) != i || Number(parts[i], CountName) != parts.Count)
                throw Fault.In(parts[i].Path, $"GGUF: it must be part {i} of {parts.Count}, but says that it is "
                    + $"{Number(parts[i], NumberName) ?? -1} of {Number(parts[i], CountName) ?? -1}");
            foreach (TensorEntry entry in parts[i].Tensors)
                if (!names.Add(entry.Name))
                    throw Fault.In(parts[i].Path, $"GGUF: the tensor '{entry.Name}' stands in two parts");
        }
        if (Number(parts[0], TensorsName) is { } all && all != names.Count)
            throw Fault.In(path, $"GGUF: its {parts.Count} parts must have {all} tensors, but have {names.Count}");
        return new TensorFile(path, [.. parts.SelectMany(part => part.Tensors)], parts[0].Metadata, [.. parts.SelectMany(part => part.Sources)]);
    }

    private static long? Number(TensorFile file, string name) => file.Metadata.GetValueOrDefault(name) switch
    {
        ushort number => number,
        int number => number,
        uint number => number,
        _ => null,
    };

    [GeneratedRegex(@"^(.*)-(\d{5})-of-(\d{5})\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
