using System.Numerics;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>What a call passes: values by place, then values by name.</summary>
internal sealed class Arguments(IReadOnlyList<Value> positional, IReadOnlyList<(string Name, Value Value)> named)
{
    public static readonly Arguments None = new([], []);

    public IReadOnlyList<Value> Positional => positional;

    public IReadOnlyList<(string Name, Value Value)> Named => named;

    /// <summary>The value of each parameter; null where it is left out.</summary>
    /// <param name="function">How errors call the function.</param>
    /// <param name="needed">How many of the parameters must be there.</param>
    /// <param name="parameters">Their names.</param>
    public Value?[] Bind(string function, int needed, params ReadOnlySpan<string> parameters)
    {
        if (positional.Count > parameters.Length)
            throw new TemplateFault($"{function}: at most {parameters.Length} arguments are taken, but {positional.Count} are given");
        Value?[] values = new Value?[parameters.Length];
        for (int i = 0; i < positional.Count; i++)
            values[i] = positional[i];
        foreach ((string name, Value value) in named)
        {
            int at = parameters.IndexOf(name);
            if (at < 0)
                throw new TemplateFault($"{function}: there is no argument '{name}'");
            if (values[at] is not null)
                throw new TemplateFault($"{function}: the argument '{name}' is given twice");
            values[at] = value;
        }
        for (int i = 0; i < needed; i++)
            if (values[i] is null)
                throw new TemplateFault($"{function}: the argument '{parameters[i]}' is missing");
        return values;
    }

    /// <summary>The arguments behind the first ones.</summary>
    public Arguments Skip(int count) => new([.. positional.Skip(count)], named);

    /// <summary>A whole number, or another where the argument is left out; one beyond 64 bits is the nearest of them.</summary>
    public static long Integer(string function, Value? value, long other) => Whole(function, value, other) switch
    {
        var number when number > long.MaxValue => long.MaxValue,
        var number when number < long.MinValue => long.MinValue,
        var number => (long)number,
    };

    /// <summary>A whole number of any size, or another where the argument is left out.</summary>
    public static BigInteger Whole(string function, Value? value, BigInteger other) => value switch
    {
        null => other,
        IntegerValue integer => integer.Number,
        UndefinedValue undefined => throw new TemplateFault(undefined.Reason),
        _ => throw new TemplateFault($"{function}: a whole number is needed, but {value.Shown} is given"),
    };

    /// <summary>A text.</summary>
    public static string Text(string function, Value? value) => value switch
    {
        StringValue text => text.Text,
        UndefinedValue undefined => throw new TemplateFault(undefined.Reason),
        null => throw new TemplateFault($"{function}: a text is needed, but none is given"),
        _ => throw new TemplateFault($"{function}: a text is needed, but {value.Shown} is given"),
    };

    /// <summary>A text; null where the argument is left out or none.</summary>
    public static string? TextOrNull(string function, Value? value) => value is null or NoneValue ? null : Text(function, value);
}
