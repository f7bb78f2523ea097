using Lemma.Formats;

namespace Lemma.Cli.Parsing;

/// <summary>The model behind an argument: of a run's folder that which an adapter was merged into, its best checkpoint, or its last; else the argument.</summary>
internal static class ModelPath
{
    public static string Find(string argument)
    {
        string[] places = [argument, Path.Combine(argument, "model"), Path.Combine(argument, "best"), Path.Combine(argument, "last")];
        return places.Select(AtomicFolder.Resolve).FirstOrDefault(place => File.Exists(Path.Combine(place, "config.json"))) ?? argument;
    }
}
