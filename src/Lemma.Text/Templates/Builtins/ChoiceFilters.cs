using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>Filters that choose or change elements one by one, and those that choose a value.</summary>
internal static class ChoiceFilters
{
    public static IReadOnlyDictionary<string, Filter> All { get; } = new Dictionary<string, Filter>
    {
        ["default"] = Default,
        ["d"] = Default,
        ["attr"] = static (context, value, arguments) =>
        {
            string name = Arguments.Text("attr", arguments.Bind("attr", 1, "name")[0]);
            return value.Attribute(name) ?? new UndefinedValue($"{value.Shown} has no attribute '{name}'");
        },
        ["map"] = Map,
        ["select"] = static (context, value, arguments) => Choose("select", context, value, arguments, byAttribute: false, keeps: true),
        ["reject"] = static (context, value, arguments) => Choose("reject", context, value, arguments, byAttribute: false, keeps: false),
        ["selectattr"] = static (context, value, arguments) =>
            Choose("selectattr", context, value, arguments, byAttribute: true, keeps: true),
        ["rejectattr"] = static (context, value, arguments) =>
            Choose("rejectattr", context, value, arguments, byAttribute: true, keeps: false),
    };

    private static Value Default(RenderContext context, Value value, Arguments arguments)
    {
        Value?[] given = arguments.Bind("default", 0, "default_value", "boolean");
        bool isMissing = value is UndefinedValue || ((given[1]?.IsTrue ?? false) && !value.IsTrue);
        return isMissing ? given[0] ?? new StringValue("") : value;
    }

    // As in Jinja nothing is checked where the value is empty or false: none has no elements, but is mapped to none.
    private static GeneratorValue Map(RenderContext context, Value value, Arguments arguments) => Lazy(context, value, () =>
    {
        if (arguments.Positional.Count == 0)
        {
            Value?[] given = arguments.Bind("map", 0, "attribute", "default");
            if (given[0] is null)
                throw new TemplateFault("map: the name of a filter or an attribute is needed, but there is none");
            Func<Value, Value> part = Paths.Getter(given[0], given[1], context.Budget);
            return items => items.Select(part);
        }
        string name = Arguments.Text("map", arguments.Positional[0]);
        Arguments rest = arguments.Skip(1);
        return items => items.Select(item => Filters.Apply(context, name, item, rest));
    });

    private static GeneratorValue Choose(
        string name, RenderContext context, Value value, Arguments arguments, bool byAttribute, bool keeps) => Lazy(context, value, () =>
    {
        int used = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < used)
            throw new TemplateFault($"{name}: the name of an attribute is needed, but there is none");
        Func<Value, Value> part = Paths.Getter(byAttribute ? arguments.Positional[0] : null, null, context.Budget);
        if (arguments.Positional.Count == used)
            return items => items.Where(item => part(item).IsTrue == keeps);
        string test = Arguments.Text(name, arguments.Positional[used]);
        Arguments rest = arguments.Skip(used + 1);
        return items => items.Where(item => Tests.Holds(context, test, part(item), rest) == keeps);
    });

    private static GeneratorValue Lazy(RenderContext context, Value value, Func<Func<IEnumerable<Value>, IEnumerable<Value>>> prepare)
    {
        IEnumerable<Value> Each()
        {
            foreach (Value item in value.Iterate())
            {
                context.Budget.Use(1);
                yield return item;
            }
        }
        IEnumerable<Value> Run()
        {
            if (!value.IsTrue)
                yield break;
            foreach (Value item in prepare()(Each()))
                yield return item;
        }
        return new GeneratorValue(Run());
    }
}
