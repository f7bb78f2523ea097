using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x[from:to:step], each part of which may be left out.</summary>
internal sealed class SliceExpression(Expression of, Expression? from, Expression? to, Expression? step, int position)
    : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value value = of.Evaluate(context);
        return Lookup.Slice(value, Bound(from, context), Bound(to, context), Bound(step, context), context.Budget);
    }

    private static long? Bound(Expression? bound, RenderContext context) => bound?.Evaluate(context) switch
    {
        null or NoneValue => null,
        Value value => Arguments.Integer("a slice", value, 0),
    };
}
