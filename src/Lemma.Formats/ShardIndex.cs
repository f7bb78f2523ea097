using System.Text.Json;

namespace Lemma.Formats;

/// <summary>The index of tensors in several files: <c>{"weight_map": {"name": "model-00001-of-00002.safetensors", ...}}</c>.</summary>
internal static class ShardIndex
{
    private const long MaximumBytes = 100_000_000;
    private const int NamesInErrors = 8;

    /// <summary>Opens every file that an index names, and checks that they hold the tensors that it says, and no others.</summary>
    public static TensorFile Open(string path)
    {
        Dictionary<string, string> places = Read(path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] files = [.. places.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        string[] missing = [.. files.Where(file => !File.Exists(Path.Combine(folder, file)))];
        if (missing.Length > 0)
            throw new FileNotFoundException($"{path}: {missing.Length} of {files.Length} files are missing: {Listed(missing)}");
        List<TensorFile> shards = [];
        try
        {
            foreach (string file in files)
            {
                TensorFile shard = TensorFiles.OpenFile(Path.Combine(folder, file));
                shards.Add(shard);
                foreach (TensorEntry entry in shard.Tensors)
                {
                    if (!places.Remove(entry.Name, out string? place))
                        throw Fault.In(path, $"the tensor '{entry.Name}' is in {file}, but not in the index, or in two files");
                    if (place != file)
                        throw Fault.In(path, $"the tensor '{entry.Name}' must be in {place}, but is in {file}");
                }
            }
            if (places.Count > 0)
                throw Fault.In(path, $"{places.Count} tensors are in none of the files: {Listed([.. places.Keys.Order(StringComparer.Ordinal)])}");
        }
        catch
        {
            foreach (TensorFile shard in shards)
                shard.Dispose();
            throw;
        }
        return new TensorFile(path, [.. shards.SelectMany(shard => shard.Tensors)], shards.Count > 0 ? shards[0].Metadata : new Dictionary<string, object>(),
            [.. shards.SelectMany(shard => shard.Sources)]);
    }

    private static Dictionary<string, string> Read(string path)
    {
        Dictionary<string, string> places = new(StringComparer.Ordinal);
        using JsonDocument document = JsonText.Read(path, MaximumBytes);
        foreach (JsonPlace member in new JsonPlace(document.RootElement, path)["weight_map"].Members())
        {
            string file = member.Text();
            if (file.Length == 0 || file is "." or ".." || file.AsSpan().ContainsAny("/\\:\0"))
                throw member.Error("must be the name of a file beside the index, but is not");
            places.Add(member.Name, file);
        }
        return places;
    }

    private static string Listed(string[] names) => string.Join(", ", names.Take(NamesInErrors))
        + (names.Length > NamesInErrors ? $" and {names.Length - NamesInErrors} more" : "");
}
