using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x.name.</summary>
internal sealed class AttributeExpression(Expression of, string name, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context) => Lookup.Attribute(of.Evaluate(context), name, context.Budget);
}
