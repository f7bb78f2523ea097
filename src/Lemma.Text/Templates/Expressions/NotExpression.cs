using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>not x.</summary>
internal sealed class NotExpression(Expression of, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context) => BooleanValue.Of(!of.Evaluate(context).IsTrue);
}
