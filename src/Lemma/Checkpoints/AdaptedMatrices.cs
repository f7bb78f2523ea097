using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>A matrix that takes an adapter.</summary>
/// <param name="Name">Its tensor in the family's files, and its rows in the model.</param>
/// <param name="IsLookup">Whether the change is of rows that are looked up, and not of products.</param>
/// <param name="IsShared">Whether the matrix has the other use as well, as embedding and head that are tied.</param>
internal sealed record AdaptedMatrix(WeightName Name, bool IsLookup, bool IsShared)
{
    /// <summary>The name of its module in the family's files.</summary>
    public string Module => AdaptedMatrices.ModuleOf(Name.Name);
}

/// <summary>The matrices of a model that take adapters, by the names of their modules in the family's files. A tied head has a name of its own there.</summary>
internal sealed class AdaptedMatrices
{
    private const string Weight = ".weight", Embedding = "embedding.weight";
    private readonly Family family;
    private readonly OrderedDictionary<string, AdaptedMatrix> byName = [];
    private readonly HashSet<string> stacks = [];

    public AdaptedMatrices(Model model)
    {
        family = Family.Of(model.AnyConfig, model.Origin);
        bool isTied = Family.IsTied(model.AnyConfig);
        foreach (WeightName name in family.Weights(model.AnyConfig))
        {
            if (name.IsZero || !name.Name.EndsWith(Weight, StringComparison.Ordinal))
                continue;
            Parameter parameter = model.Parameters[name.Parameter];
            string module = family.Bare(ModuleOf(name.Name));
            if (parameter.TakesAdapter && parameter.Shape.Rank == 3 && name.Rows > parameter.Shape[1])
                stacks.Add(module);
            else if (parameter.TakesAdapter)
                byName.Add(module, new AdaptedMatrix(name, IsLookup: false, IsShared: false));
            else if (parameter.TakesLookupAdapter)
                byName.Add(module, new AdaptedMatrix(name, IsLookup: true, isTied && name.Parameter == Embedding));
        }
        foreach (string head in isTied ? family.TiedNames : [])
        {
            WeightName name = WeightName.Whole(head, Embedding, model.AnyConfig.VocabularySize);
            byName.Add(family.Bare(ModuleOf(head)), new AdaptedMatrix(name, IsLookup: false, IsShared: true));
        }
    }

    /// <summary>All of them, in the model's order.</summary>
    public IEnumerable<AdaptedMatrix> All => byName.Values;

    public static string ModuleOf(string tensor) => tensor[..^Weight.Length];

    public AdaptedMatrix? Find(string module) => byName.GetValueOrDefault(family.Bare(module));

    /// <summary>Where a module stands in the model's order; behind all for one that takes no adapter.</summary>
    public int PlaceOf(string module) => byName.IndexOf(family.Bare(module)) is var place and >= 0 ? place : byName.Count;

    /// <summary>Why a module takes no adapter.</summary>
    public string WhyNone(string module) => stacks.Contains(family.Bare(module))
        ? $"'{module}' is a stack of matrices, and adapters are of single ones" : $"the model has no matrix '{module}' that takes an adapter";
}
