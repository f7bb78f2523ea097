using System.Globalization;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>The names of a GGUF file's tensors, from those of the family: each a name of the architecture's table, with experts in one tensor.</summary>
internal sealed class GgufNames : IWeightNames
{
    private static readonly string[] Extra = ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"];
    private readonly Family family;
    private readonly GgufMap map;
    private readonly Dictionary<string, string> table;

    public GgufNames(Family family, GgufMap map)
    {
        (this.family, this.map) = (family, map);
        table = map.Names.ToDictionary(pair => pair.Theirs, pair => pair.Ours, StringComparer.Ordinal);
    }

    /// <summary>Blocks behind the last one, which predict further tokens in training and are left out.</summary>
    public long FurtherBlocks { get; init; }

    public string Name => $"gguf {map.Architecture}";

    /// <summary>The parameters that the format has no place for.</summary>
    public IEnumerable<string> LeftOut(ModelConfig config) => family.Weights(config).Where(IsLeftOut).Select(name => name.Parameter).Distinct();

    public IEnumerable<WeightName> Weights(ModelConfig config)
    {
        foreach (WeightName theirs in family.Weights(config))
        {
            // How the family's files order rows says nothing of most of these.
            if (theirs.IsZero || IsLeftOut(theirs))
                continue;
            foreach (WeightName name in map.Change(theirs with { RowOf = map.KeepsOrder ? theirs.RowOf : null, Transposed = false }, config))
            {
                string ours = Translate(name.Name, out bool isFurtherExpert);
                if (!isFurtherExpert)
                    yield return (name.Siblings is { } siblings ? Stacked(name, siblings.Count, siblings.Stride) : name) with { Name = ours, IsSqueezed = true };
            }
        }
    }

    public bool Ignores(string name, ModelConfig config) => Extra.Contains(name) || map.Ignored.Any(ending => name.EndsWith(ending, StringComparison.Ordinal))
        || (FurtherBlocks > 0 && name.Split('.') is ["blk", string number, _, ..]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int block)
            && block - config.AllBlocks.Count() is >= 0 and var behind && behind < FurtherBlocks);

    public string Bare(string name) => name;

    private bool IsLeftOut(WeightName name) => map.LeftOut.Any(start => name.Name.StartsWith(start, StringComparison.Ordinal));

    private static WeightName Stacked(WeightName first, int count, int stride)
    {
        int rows = first.Rows;
        return first with { Rows = count * rows, Stack = count, Siblings = null, RowOf = row => row / rows * stride + row % rows };
    }

    private string Translate(string name, out bool isFurtherExpert)
    {
        int dot = name.LastIndexOf('.');
        // The number of the layer, and that of an expert; the sublayers of T5 have numbers too, which the table spells out.
        string[] parts = name[..dot].Split('.');
        string? layer = null, expert = null;
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out _) || (layer is not null && parts[i - 1] != "experts"))
                continue;
            if (layer is null)
                layer = parts[i];
            else
                expert = parts[i];
            parts[i] = "#";
        }
        string key = string.Join('.', parts), end = name[dot..];
        if (!table.TryGetValue(key + end, out string? ours))
            ours = table.TryGetValue(key, out ours) ? ours + end
                : throw new InvalidOperationException($"{Name}: the table of names has no '{key}{end}'");
        isFurtherExpert = expert is not (null or "0");
        return ours.Replace("#", layer, StringComparison.Ordinal);
    }
}
