using System.Collections.Frozen;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>A filter: x | name(arguments).</summary>
internal delegate Value Filter(RenderContext context, Value value, Arguments arguments);

/// <summary>All filters by name.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, Filter> All = new[]
    {
        TextFilters.All, NumberFilters.All, SequenceFilters.All, ChoiceFilters.All,
    }.SelectMany(static group => group).ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Exists(string name) => All.ContainsKey(name);

    public static Value Apply(RenderContext context, string name, Value value, Arguments arguments) =>
        All.TryGetValue(name, out Filter? filter) ? filter(context, value, arguments)
            : throw new TemplateFault($"there is no filter '{name}'");
}
