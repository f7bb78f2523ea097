using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x and y, x or y: the operand that decides.</summary>
internal sealed class LogicExpression(Expression left, Expression right, bool isAnd, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value value = left.Evaluate(context);
        return value.IsTrue == isAnd ? right.Evaluate(context) : value;
    }
}
