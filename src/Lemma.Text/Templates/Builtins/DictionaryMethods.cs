using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The methods of dictionaries that change nothing.</summary>
internal static class DictionaryMethods
{
    public static Value? Find(DictionaryValue value, string name) => name switch
    {
        "items" => new FunctionValue(name, (context, arguments) => new ViewValue("dict_items", Pairs(context, value))),
        "keys" => new FunctionValue(name, (context, arguments) => new ViewValue("dict_keys", context.Collect(value.Elements!))),
        "values" => new FunctionValue(name, (context, arguments) =>
            new ViewValue("dict_values", context.Collect(value.Items.Select(static item => item.Value)))),
        "get" => new FunctionValue(name, (context, arguments) =>
        {
            Value?[] given = arguments.Bind(name, 1, "key", "default");
            return value.Find(given[0]!) ?? given[1] ?? NoneValue.Instance;
        }),
        "copy" => new FunctionValue(name, (context, arguments) => value),
        "clear" or "pop" or "popitem" or "setdefault" or "update" =>
            new UndefinedValue($"a template may not change a dictionary, which '{name}' would do"),
        _ => null,
    };

    /// <summary>Each key with its element.</summary>
    public static List<Value> Pairs(RenderContext context, DictionaryValue value) =>
        context.Collect(value.Items.Select(static item => new SequenceValue([item.Key, item.Value], isTuple: true)));
}
