using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x | name(arguments).</summary>
internal sealed class FilterExpression(Expression of, string name, ArgumentList arguments, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        Value value = of.Evaluate(context);
        return Filters.Apply(context, name, value, arguments.Evaluate(context));
    }
}
