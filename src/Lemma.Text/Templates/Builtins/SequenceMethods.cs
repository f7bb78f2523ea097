using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The methods of lists and tuples that change nothing.</summary>
internal static class SequenceMethods
{
    public static Value? Find(SequenceValue value, string name) => name switch
    {
        "index" => new FunctionValue(name, (context, arguments) => IndexOf(context, value, arguments)),
        "count" => new FunctionValue(name, (context, arguments) =>
        {
            Value item = arguments.Bind(name, 1, "value")[0]!;
            context.Budget.Use(value.Items.Count);
            return new IntegerValue(value.Items.Count(other => other.IsEqual(item, context.Budget)));
        }),
        "copy" when !value.IsTuple => new FunctionValue(name, (context, arguments) => value),
        _ when !value.IsTuple && name is "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort" =>
            new UndefinedValue($"a template may not change a list, which '{name}' would do"),
        _ => null,
    };

    private static IntegerValue IndexOf(RenderContext context, SequenceValue value, Arguments arguments)
    {
        Value item = arguments.Bind("index", 1, "value")[0]!;
        for (int i = 0; i < value.Items.Count; i++)
        {
            context.Budget.Use(1);
            if (value.Items[i].IsEqual(item, context.Budget))
                return new IntegerValue(i);
        }
        throw new TemplateFault("index: the list must hold the value, but does not");
    }
}
