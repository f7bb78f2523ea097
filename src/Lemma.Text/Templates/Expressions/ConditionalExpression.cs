using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x if condition else y.</summary>
internal sealed class ConditionalExpression(Expression then, Expression condition, Expression? otherwise, int position)
    : Expression(position)
{
    protected override Value Compute(RenderContext context) => condition.Evaluate(context).IsTrue ? then.Evaluate(context)
        : otherwise?.Evaluate(context) ?? new UndefinedValue("the condition is false and there is no 'else'");
}
