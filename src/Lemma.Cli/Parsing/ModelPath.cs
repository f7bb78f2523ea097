using Lemma.Formats;

namespace Lemma.Cli.Parsing;

/// <summary>The model behind an argument: of a run's folder its best checkpoint, or its last when there is no best; else the argument itself.</summary>
internal static class ModelPath
{
    public static string Find(string argument)
    {
        string[] places = [argument, Path.Combine(argument, "best"), Path.Combine(argument, "last")];
        return places.Select(AtomicFolder.Resolve).FirstOrDefault(place => File.Exists(Path.Combine(place, "config.json"))) ?? argument;
    }
}
