using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>Writes models as GGUF files, which <see cref="ModelFolder"/> reads as it reads folders.</summary>
public static class GgufFile
{
    /// <summary>Writes a model; killed at any instant, the old file or the new one is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model; whether its matrices lie in rows or in panels.</param>
    /// <param name="mix">How tensors are stored.</param>
    /// <param name="more">Further values: a name, and those of a tokenizer (<c>Tokenizer.ToGguf</c>), without which other programs do not open the file.</param>
    /// <param name="workers">Threads that round; the bytes do not depend on them.</param>
    /// <param name="progress">Told the bytes of tensors that are written, and how many there will be.</param>
    /// <param name="importance">How much the errors of a tensor's columns count, by its name; null for all alike.</param>
    /// <exception cref="ArgumentException">No architecture of the format can say this config: its values, read back, would compute something else.</exception>
    public static GgufWritten Write(string path, Model model, GgufMix mix, IReadOnlyList<KeyValuePair<string, object>> more, Workers workers,
        Action<long, long>? progress = null, IReadOnlyDictionary<string, float[]>? importance = null)
    {
        GgufDraft draft = GgufDraft.Of(model);
        bool hasHead = draft.Tensors.Any(tensor => tensor.Name == "output.weight");
        int blocks = model.AnyConfig.AllBlocks.Count(), experts = model.AnyConfig.AllBlocks.Select(block => block.FeedForward).OfType<Modules.ExpertsFeedForward>()
            .Select(sparse => sparse.Routing.Experts).FirstOrDefault();
        List<KeyValuePair<string, object>> values =
        [
            new("general.architecture", draft.Map.Architecture), new("general.type", "model"), new("general.file_type", mix.FileType),
            new("general.quantization_version", 2u), .. draft.Values, .. SamplingFile.ToGguf(model.Sampling),
        ];
        HashSet<string> said = [.. values.Select(value => value.Key)];
        values.AddRange(more.Where(value => said.Add(value.Key)));
        List<GgufTensor> tensors = [.. draft.Tensors.Select(tensor => new GgufTensor(tensor.Name, tensor.Sizes, tensor.Source,
            mix.TypeOf(tensor.Name, tensor.Sizes, blocks, experts, hasHead)) { Importance = importance?.GetValueOrDefault(tensor.Name) })];
        IReadOnlyList<GgufRounding> rounding = GgufWriter.Write(path, values, tensors, new GgufOptions
        {
            Progress = progress,
            Run = (count, part) => workers.Run(count, part, static (in part, index) => part(index)),
        });
        return new GgufWritten(draft.Map.Architecture, rounding, draft.LeftOut);
    }
}

/// <summary>What a GGUF file became.</summary>
/// <param name="Architecture">What its <c>general.architecture</c> says.</param>
/// <param name="Rounding">What rounding did to each tensor.</param>
/// <param name="LeftOut">Parameters that the architecture has no place for: an encoder's heads.</param>
public sealed record GgufWritten(string Architecture, IReadOnlyList<GgufRounding> Rounding, IReadOnlyList<string> LeftOut);
