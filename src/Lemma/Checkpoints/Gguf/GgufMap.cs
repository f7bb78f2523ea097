using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>A GGUF architecture beside a family's own files: what its values say in the fields of <c>config.json</c>, and what its tensors are called.</summary>
/// <param name="Architecture">What <c>general.architecture</c> says.</param>
/// <param name="Names">Parts of names, the family's and GGUF's, without <c>.weight</c> and <c>.bias</c>; <c>#</c> stands for a number. Of two numbers the
/// second is that of an expert, and GGUF has one tensor of all experts.</param>
/// <param name="Describe">The values, read and written by one description.</param>
internal sealed record GgufMap(string Architecture, IReadOnlyList<(string Theirs, string Ours)> Names, Action<GgufFields> Describe)
{
    /// <summary>Whether a file of the architecture is of this family, where several share one.</summary>
    public Func<GgufFacts, bool> Suits { get; init; } = static _ => true;

    /// <summary>What becomes of the family's tensors: rows in another order, numbers that are more, one tensor in two.</summary>
    public Func<WeightName, ModelConfig, IEnumerable<WeightName>> Change { get; init; } = static (name, _) => [name];

    /// <summary>Whether rows lie as in the family's files, which need not be the model's order.</summary>
    public bool KeepsOrder { get; init; }

    /// <summary>Starts of names of the family's tensors that GGUF has no place for, and that are left out.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>Ends of names of the file's tensors that are no weights.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Further values that change nothing of what a model computes.</summary>
    public IReadOnlyList<string> Harmless { get; init; } = [];
}
