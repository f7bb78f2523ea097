using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Models of GGUF files: their architecture is one more map of a family's file (<see cref="GgufMap"/>).</summary>
internal static class GgufModel
{
    private const string Suffix = ".gguf", FirstPart = "-00001-of-";

    /// <summary>The file that a path means: one that ends in .gguf, or the one such file of a folder without a config, the first where it is in parts.</summary>
    public static string? Find(string path)
    {
        if (File.Exists(path))
            return path.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase) ? path : null;
        if (!Directory.Exists(path) || File.Exists(Path.Combine(path, "config.json")))
            return null;
        string[] files = [.. Directory.EnumerateFiles(path, "*" + Suffix).Where(file => !file.Contains("-of-", StringComparison.Ordinal)
            || file.Contains(FirstPart, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        return files.Length <= 1 ? files.FirstOrDefault()
            : throw new InvalidDataException($"{path}: it has {files.Length} GGUF files, {string.Join(" and ", files.Select(Path.GetFileName))}; name one of them");
    }

    /// <summary>Whether a file is a model of an architecture that is known: not a vocabulary or an adapter, or another's model.</summary>
    public static bool IsModel(string path)
    {
        if (Find(path) is not { } found)
            return false;
        using TensorFile file = TensorFile.Open(found);
        return file.Metadata.GetValueOrDefault("general.architecture") is string architecture && file.Metadata.ContainsKey($"{architecture}.block_count")
            && file.Tensors.Count > 0 && Family.WithGguf.Any(family => family.Gguf!.Architecture == architecture);
    }

    /// <summary>Reads the config alone.</summary>
    public static ModelConfig ReadConfig(string path, out Family family)
    {
        using TensorFile file = TensorFile.Open(path);
        return Adapted(file, GgufFacts.Of(file), out family);
    }

    /// <summary>Opens a file and checks it.</summary>
    public static OpenedModel Open(string path, float? dropout)
    {
        TensorFile file = TensorFile.Open(path);
        try
        {
            GgufFacts facts = GgufFacts.Of(file);
            ModelConfig config = Adapted(file, facts, out Family family) with { Dropout = dropout ?? 0 };
            CheckCounts(file, config);
            SamplingDefaults sampling = SamplingFile.OfGguf(file);
            OpenedModel opened = new(family, file, config, names: new GgufNames(family, family.Gguf!) { FurtherBlocks = facts.FurtherBlocks });
            opened.Model.Sampling = sampling;
            return opened;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The config that a file's values say, and the family that reads it.</summary>
    public static ModelConfig ConfigOf(GgufFacts facts, out Family family)
    {
        string architecture = facts.Architecture;
        family = Family.WithGguf.FirstOrDefault(one => one.Gguf!.Architecture == architecture && one.Gguf.Suits(facts))
            ?? throw facts.Error($"the architecture '{architecture}' is not supported; supported are "
                + string.Join(", ", Family.WithGguf.Select(one => one.Gguf!.Architecture).Distinct().Order(StringComparer.Ordinal)));
        JsonSettings settings = JsonSettings.Parse(GgufFields.ToJson(family.Gguf!, facts), facts.Path);
        try
        {
            // No file says what training drops.
            return (family.Read(settings) with { Dropout = 0 }).Validate();
        }
        catch (ArgumentException error)
        {
            throw settings.Error(error.Message);
        }
    }

    // Before a part is made for each: the file's size bounds the memory.
    private static void CheckCounts(TensorFile file, ModelConfig config)
    {
        int blocks = config.AllBlocks.Count();
        if (blocks > file.Tensors.Count)
            throw Fault.In(file.Path, $"GGUF: the values say {blocks} blocks, but there are only {file.Tensors.Count} tensors");
        int block = 0;
        foreach (ExpertsFeedForward? sparse in config.AllBlocks.Select(one => one.FeedForward as ExpertsFeedForward))
        {
            string name = $"blk.{block++}.ffn_down_exps.weight";
            if (sparse is not null && file.Find(name) is var down && (down?.Sizes.Count == 3 ? down.Sizes[0] : 1) != sparse.Routing.Experts)
                throw Fault.In(file.Path, $"GGUF: the values say {sparse.Routing.Experts} experts, but the tensor {name} "
                    + $"has the shape {down?.ShapeText ?? "of none"}");
        }
    }

    private static ModelConfig Adapted(TensorFile file, GgufFacts facts, out Family family)
    {
        ModelConfig config = ConfigOf(facts, out family);
        return family.Adapt(config, file);
    }
}
