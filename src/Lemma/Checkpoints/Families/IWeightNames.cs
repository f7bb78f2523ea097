using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>What the tensors of some files are called: a family's own names, or those of another format of the same model.</summary>
internal interface IWeightNames
{
    /// <summary>What errors call the names.</summary>
    string Name { get; }

    /// <summary>Every tensor of a model's files and its place in the parameters.</summary>
    IEnumerable<WeightName> Weights(ModelConfig config);

    /// <summary>Whether a tensor of the files is no weight.</summary>
    bool Ignores(string name, ModelConfig config);

    /// <summary>A name without what files may leave out.</summary>
    string Bare(string name);
}
