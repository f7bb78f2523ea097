using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>The arguments of a call, a filter or a test: a, name=b, *list, **dictionary.</summary>
internal sealed class ArgumentList(
    IReadOnlyList<Expression> positional, IReadOnlyList<(string Name, Expression Value)> named, Expression? rest, Expression? namedRest)
{
    public static readonly ArgumentList None = new([], [], null, null);

    public Arguments Evaluate(RenderContext context)
    {
        if (positional.Count == 0 && named.Count == 0 && rest is null && namedRest is null)
            return Arguments.None;
        List<Value> values = [.. positional.Select(value => value.Evaluate(context))];
        List<(string, Value)> byName = [.. named.Select(pair => (pair.Name, pair.Value.Evaluate(context)))];
        if (rest is not null)
            values.AddRange(context.Collect(rest.Evaluate(context).Iterate()));
        if (namedRest is not null)
        {
            Value more = namedRest.Evaluate(context);
            DictionaryValue dictionary = more as DictionaryValue
                ?? throw new TemplateFault($"'**' needs a dictionary, but has {more.Shown}");
            foreach ((Value key, Value value) in dictionary.Items)
                byName.Add((Arguments.Text("the name of an argument", key), value));
        }
        return new Arguments(values, byName);
    }
}
