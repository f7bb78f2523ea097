using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Statements;

/// <summary>Filters that a block goes through: name(arguments) | name.</summary>
internal sealed class FilterChain(IReadOnlyList<(string Name, ArgumentList Arguments)> filters)
{
    public static readonly FilterChain None = new([]);

    public static FilterChain Parse(Parser parser, bool needsPipe)
    {
        (bool outer, parser.IsConditional) = (parser.IsConditional, false);
        List<(string, ArgumentList)> filters = [];
        while ((!needsPipe && filters.Count == 0) || parser.SkipOperator("|"))
            filters.Add(parser.Expressions.ReadFilter());
        parser.IsConditional = outer;
        return new FilterChain(filters);
    }

    public Value Apply(RenderContext context, Value value)
    {
        foreach ((string name, ArgumentList arguments) in filters)
            value = Filters.Apply(context, name, value, arguments.Evaluate(context));
        return value;
    }
}
