using Lemma.Formats;

namespace Lemma.Cli.Parsing;

/// <summary>Finds the model behind an argument: a model's folder, or a run's, whose best checkpoint counts, and its last when there is no
/// best.</summary>
internal static class ModelPath
{
    public static string Find(string argument) => TryFind(argument) ?? throw new FileNotFoundException(Directory.Exists(argument)
        ? $"model: the folder '{argument}' has neither a config.json nor a checkpoint" : $"model: there is no folder '{argument}'");

    public static string? TryFind(string argument)
    {
        string[] places = [argument, Path.Combine(argument, "best"), Path.Combine(argument, "last")];
        foreach (string place in places.Select(AtomicFolder.Resolve))
        {
            if (File.Exists(Path.Combine(place, "config.json")))
                return place;
        }
        return null;
    }
}
