using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x[key].</summary>
internal sealed class ElementExpression(Expression of, Expression key, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value value = of.Evaluate(context);
        return Lookup.Element(value, key.Evaluate(context), context.Budget);
    }
}
