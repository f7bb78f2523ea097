using System.Collections.Frozen;
using System.Numerics;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>All tests by name: x is name(arguments).</summary>
internal static class Tests
{
    private delegate bool Test(RenderContext context, Value value, Arguments arguments);

    private static readonly FrozenDictionary<string, Test> All = new Dictionary<string, Test>
    {
        ["defined"] = static (context, value, arguments) => value is not UndefinedValue,
        ["undefined"] = static (context, value, arguments) => value is UndefinedValue,
        ["none"] = static (context, value, arguments) => value is NoneValue,
        ["boolean"] = static (context, value, arguments) => value is BooleanValue,
        ["true"] = static (context, value, arguments) => value is BooleanValue { IsTrue: true },
        ["false"] = static (context, value, arguments) => value is BooleanValue { IsTrue: false },
        ["integer"] = static (context, value, arguments) => value is IntegerValue and not BooleanValue,
        ["float"] = static (context, value, arguments) => value is FloatValue,
        ["number"] = static (context, value, arguments) => value is NumberValue,
        ["string"] = static (context, value, arguments) => value is StringValue,
        ["mapping"] = static (context, value, arguments) => value is DictionaryValue,
        ["sequence"] = static (context, value, arguments) =>
            value is StringValue or SequenceValue or DictionaryValue or RangeValue or UndefinedValue,
        ["iterable"] = static (context, value, arguments) => value.Elements is not null,
        ["callable"] = static (context, value, arguments) => value is CallableValue or UndefinedValue,
        ["escaped"] = static (context, value, arguments) => value is StringValue { IsMarkup: true },
        ["odd"] = static (context, value, arguments) => Remainder(context, value, 2) == 1,
        ["even"] = static (context, value, arguments) => Remainder(context, value, 2) == 0,
        ["divisibleby"] = static (context, value, arguments) =>
            Remainder(context, value, Arguments.Whole("divisibleby", arguments.Bind("divisibleby", 1, "num")[0], 1)) == 0,
        ["lower"] = static (context, value, arguments) => LetterCase.IsLower(value.ToText(context.Budget)),
        ["upper"] = static (context, value, arguments) => LetterCase.IsUpper(value.ToText(context.Budget)),
        ["sameas"] = static (context, value, arguments) => IsSame(value, Other("sameas", arguments)),
        ["filter"] = static (context, value, arguments) => Filters.Exists(Arguments.Text("filter", value)),
        ["test"] = static (context, value, arguments) => Exists(Arguments.Text("test", value)),
        ["in"] = Comparison("in"),
        ["eq"] = Comparison("=="),
        ["equalto"] = Comparison("=="),
        ["=="] = Comparison("=="),
        ["ne"] = Comparison("!="),
        ["!="] = Comparison("!="),
        ["lt"] = Comparison("<"),
        ["lessthan"] = Comparison("<"),
        ["<"] = Comparison("<"),
        ["le"] = Comparison("<="),
        ["<="] = Comparison("<="),
        ["gt"] = Comparison(">"),
        ["greaterthan"] = Comparison(">"),
        [">"] = Comparison(">"),
        ["ge"] = Comparison(">="),
        [">="] = Comparison(">="),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Exists(string name) => All.ContainsKey(name);

    public static bool Holds(RenderContext context, string name, Value value, Arguments arguments) =>
        All.TryGetValue(name, out Test? test) ? test(context, value, arguments) : throw new TemplateFault($"there is no test '{name}'");

    private static Test Comparison(string symbol) =>
        (context, value, arguments) => Ordering.Holds(symbol, value, Other(symbol, arguments), context.Budget);

    private static Value Other(string name, Arguments arguments) => arguments.Bind(name, 1, "other")[0]!;

    private static double Remainder(RenderContext context, Value value, BigInteger divisor) =>
        Arithmetic.Compute("%", value is NumberValue or UndefinedValue ? value
            : throw new TemplateFault($"a number is needed, but {value.Shown} is given"),
            new IntegerValue(divisor), context) is NumberValue number ? number.Real : double.NaN;

    // None, true, false and small numbers are one object each in Python.
    private static bool IsSame(Value one, Value two) => ReferenceEquals(one, two)
        || (one is IntegerValue { Clamped: >= -5 and <= 256 } a && two is IntegerValue b && a.Kind == b.Kind && a.Number == b.Number);
}
