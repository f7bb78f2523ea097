using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x &lt; y, and a chain of comparisons, each of which must hold.</summary>
internal sealed class ComparisonExpression(Expression first, IReadOnlyList<(string Symbol, Expression Right)> rest, int position)
    : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value left = first.Evaluate(context);
        foreach ((string symbol, Expression next) in rest)
        {
            Value right = next.Evaluate(context);
            if (!Ordering.Holds(symbol, left, right, context.Budget))
                return BooleanValue.False;
            left = right;
        }
        return BooleanValue.True;
    }
}
