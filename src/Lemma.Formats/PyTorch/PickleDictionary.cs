using System.Globalization;

namespace Lemma.Formats;

/// <summary>A dictionary of a pickle, in its order; keys are texts or whole numbers.</summary>
internal sealed class PickleDictionary
{
    private readonly HashSet<string> names = new(StringComparer.Ordinal);

    /// <summary>Its members; a number as a key is written out.</summary>
    public List<(string Name, object? Value)> Members { get; } = [];

    /// <summary>The value of a name, or null.</summary>
    public object? this[string name] => Members.Find(member => member.Name == name).Value;

    /// <summary>Adds a member; false when the key is no name, or is there.</summary>
    public bool TryAdd(object? key, object? value)
    {
        string? name = key switch
        {
            string text => text,
            long number => number.ToString(CultureInfo.InvariantCulture),
            _ => null,
        };
        if (name is null || !names.Add(name))
            return false;
        Members.Add((name, value));
        return true;
    }
}
