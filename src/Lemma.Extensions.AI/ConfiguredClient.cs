using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Lemma.Extensions.AI;

/// <summary>A client as a section of an app's configuration says: every key is known, or refused.</summary>
internal static class ConfiguredClient
{
    private const string Path = "Path";

    /// <summary>Reads a section.</summary>
    /// <param name="section">The section.</param>
    /// <param name="known">The options that it may have beside the path; null for all.</param>
    public static (string Path, LemmaClientOptions Options) Read(IConfigurationSection section, string[]? known = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        LemmaClientOptions options = new();
        string? path = null;
        foreach (IConfigurationSection one in section.GetChildren())
        {
            if (Is(Path))
                path = one.Value;
            else if (known is not null && !known.Any(Is))
                throw Unknown(one);
            else if (Is(nameof(options.Threads)))
                options.Threads = (int)Number(one, int.MaxValue);
            else if (Is(nameof(options.CacheFormat)))
                options.CacheFormat = one.Value;
            else if (Is(nameof(options.ModelId)))
                options.ModelId = one.Value;
            else if (Is(nameof(options.MostSequences)))
                options.MostSequences = (int)Number(one, int.MaxValue);
            else if (Is(nameof(options.MostWaiting)))
                options.MostWaiting = (int)Number(one, int.MaxValue);
            else if (Is(nameof(options.StateBytes)))
                options.StateBytes = Number(one, long.MaxValue);
            else if (Is(nameof(options.Adapters)))
            {
                foreach (IConfigurationSection adapter in one.GetChildren())
                    options.Adapters.Add(adapter.Key, adapter.Value ?? throw new ArgumentException($"{adapter.Path}: a folder is needed"));
            }
            else
                throw Unknown(one);

            // Names of a configuration have no case.
            bool Is(string name) => one.Key.Equals(name, StringComparison.OrdinalIgnoreCase);
        }
        if (string.IsNullOrEmpty(path))
            throw new ArgumentException($"{section.Path}: the model's {Path} is needed");
        return (path, options);
    }

    private static ArgumentException Unknown(IConfigurationSection one) => new($"{one.Path}: it is not known");

    private static long Number(IConfigurationSection one, long most) =>
        long.TryParse(one.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0 && number <= most ? number
            : throw new ArgumentException($"{one.Path}: it must be a whole number above 0, but it is '{one.Value}'");
}
