using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>A number, a text, true, false, none.</summary>
internal sealed class LiteralExpression(Value value, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context) => value;
}
