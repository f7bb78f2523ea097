using System.Collections.Frozen;
using System.Numerics;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The functions that every template sees.</summary>
internal static class Globals
{
    private static readonly FrozenDictionary<string, FunctionValue> Functions =
        new Dictionary<string, Func<RenderContext, Arguments, Value>>
        {
            ["range"] = Range,
            ["dict"] = Dictionary,
            ["namespace"] = Namespace,
            ["cycler"] = static (context, arguments) => new CyclerValue(arguments.Positional),
            ["joiner"] = static (context, arguments) => Joiner(arguments),
            ["raise_exception"] = static (context, arguments) =>
                throw new TemplateFault(arguments.Bind("raise_exception", 1, "message")[0]!.ToText(context.Budget), isRefusal: true),
            ["strftime_now"] = static (context, arguments) => context.Now is DateTime now
                ? context.Text(TimeText.Format(now, Arguments.Text("strftime_now", arguments.Bind("strftime_now", 1, "format")[0]),
                    context.Budget))
                : throw new TemplateFault("strftime_now: the caller must give the time, but has not"),
        }.ToFrozenDictionary(static pair => pair.Key, static pair => new FunctionValue(pair.Key, pair.Value), StringComparer.Ordinal);

    public static Value? Find(string name) => Functions.GetValueOrDefault(name);

    private static RangeValue Range(RenderContext context, Arguments arguments)
    {
        Value?[] given = arguments.Bind("range", 1, "start", "stop", "step");
        BigInteger first = Arguments.Whole("range", given[0], 0);
        return given[1] is null ? RangeValue.Of(0, first, 1)
            : RangeValue.Of(first, Arguments.Whole("range", given[1], 0), Arguments.Whole("range", given[2], 1));
    }

    private static DictionaryValue Dictionary(RenderContext context, Arguments arguments)
    {
        DictionaryValue result = new();
        foreach ((Value key, Value value) in Pairs("dict", context, arguments))
            result.Add(key, value);
        return result;
    }

    private static NamespaceValue Namespace(RenderContext context, Arguments arguments)
    {
        NamespaceValue result = new();
        foreach ((Value key, Value value) in Pairs("namespace", context, arguments))
            result.Set(Arguments.Text("namespace", key), value);
        return result;
    }

    // The pairs of a dictionary or of a list of pairs, then the named arguments.
    private static IEnumerable<(Value, Value)> Pairs(string function, RenderContext context, Arguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw new TemplateFault($"{function}: at most 1 argument without a name is taken, but {arguments.Positional.Count} are given");
        foreach (Value given in arguments.Positional)
        {
            if (given is DictionaryValue dictionary)
                foreach ((Value key, Value value) in dictionary.Items)
                    yield return (key, value);
            else
                foreach (Value pair in context.Collect(given.Iterate()))
                    yield return pair is SequenceValue { Items: [Value key, Value value] } ? (key, value)
                        : throw new TemplateFault($"{function}: pairs of a key and a value are needed, but {pair.Shown} is given");
        }
        foreach ((string name, Value value) in arguments.Named)
            yield return (new StringValue(name), value);
    }

    private static FunctionValue Joiner(Arguments arguments)
    {
        Value separator = arguments.Bind("joiner", 0, "sep")[0] ?? new StringValue(", ");
        bool isUsed = false;
        return new FunctionValue("joiner", (context, none) =>
        {
            none.Bind("joiner", 0);
            Value result = isUsed ? separator : new StringValue("");
            isUsed = true;
            return result;
        });
    }
}
