using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% set x = y %}, and {% set x | filter %} text {% endset %}.</summary>
internal sealed class SetStatement(Target target, Expression? value, Block? body, FilterChain filters, int position) : Statement(position)
{
    public bool HasBody => body is not null;

    public static SetStatement Parse(Parser parser, int position)
    {
        Target target = Target.Parse(parser, allowsAttributes: true);
        if (parser.SkipOperator("="))
            return new SetStatement(target, parser.Expressions.ReadTuple(), null, FilterChain.None, position);
        FilterChain filters = FilterChain.Parse(parser, needsPipe: true);
        return new SetStatement(target, null, parser.ReadBlock(out _, "endset"), filters, position);
    }

    protected override Flow Run(RenderContext context)
    {
        Value result = value?.Evaluate(context)
            ?? filters.Apply(context, context.Capture(() => body!.ExecuteInside(context, new Scope(context.Scope))));
        target.Assign(context, context.Scope, result);
        return Flow.Next;
    }
}
