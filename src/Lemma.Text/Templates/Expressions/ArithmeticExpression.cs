using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x + y, and the other operators of arithmetic.</summary>
internal sealed class ArithmeticExpression(string symbol, Expression left, Expression right, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value value = left.Evaluate(context);
        return Arithmetic.Compute(symbol, value, right.Evaluate(context), context);
    }
}
