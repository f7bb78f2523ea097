using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>-x and +x.</summary>
internal sealed class SignExpression(Expression of, bool isMinus, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context) =>
        isMinus ? Arithmetic.Negate(of.Evaluate(context)) : Arithmetic.Plus(of.Evaluate(context));
}
