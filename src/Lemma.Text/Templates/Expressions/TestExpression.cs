using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x is name(arguments).</summary>
internal sealed class TestExpression(Expression of, string name, ArgumentList arguments, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value value = of.Evaluate(context);
        return BooleanValue.Of(Tests.Holds(context, name, value, arguments.Evaluate(context)));
    }
}
