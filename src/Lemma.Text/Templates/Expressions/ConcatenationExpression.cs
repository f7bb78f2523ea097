using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>x ~ y: both as texts, one behind the other.</summary>
internal sealed class ConcatenationExpression(IReadOnlyList<Expression> parts, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        TextBuffer buffer = new(context.Budget);
        foreach (Expression part in parts)
            part.Evaluate(context).WriteText(buffer);
        return new StringValue(buffer.ToString());
    }
}
