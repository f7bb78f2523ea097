using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>[a, b] and (a, b).</summary>
internal sealed class SequenceExpression(IReadOnlyList<Expression> items, bool isTuple, int position) : Expression(position)
{
    public IReadOnlyList<Expression> Items => items;

    public bool IsTuple => isTuple;

    protected override Value Compute(RenderContext context) =>
        new SequenceValue([.. items.Select(item => item.Evaluate(context))], isTuple);
}
