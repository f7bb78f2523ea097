using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Models;

namespace Lemma.Cli.Plans;

/// <summary>The model that a plan is of, found by an argument: a preset's name, a config, a folder, or a GGUF file.</summary>
/// <param name="Name">As it was given.</param>
/// <param name="Config">Its choices.</param>
/// <param name="FileBytes">The bytes of its tensors where files hold them; null for a config alone.</param>
internal sealed record PlannedModel(string Name, ModelConfig Config, long? FileBytes)
{
    public static PlannedModel Find(string argument)
    {
        if (Presets.Find(argument) is { } preset)
            return new PlannedModel(argument, preset, null);
        string path = ModelPath.Find(argument);
        if (!Path.Exists(path))
            throw new InvalidDataException($"'{argument}' is neither a file nor a folder nor a preset; presets are {string.Join(", ", Presets.Names)}");
        ModelContents contents = ModelContents.Read(path);
        long? bytes = contents.Tensors.Count == 0 ? null : contents.Tensors.Sum(tensor => tensor.Bytes);
        // Of a GGUF file the error says which architectures are known.
        ModelConfig? config = contents.Config ?? (contents.Metadata.ContainsKey("general.architecture") ? ModelFolder.ReadConfig(path) : null);
        return config is not null ? new PlannedModel(argument, config, bytes)
            : throw new InvalidDataException($"{argument}: a file of tensors alone does not say what model it is of");
    }
}
