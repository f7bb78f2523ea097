using Lemma.Text.Templates.Expressions;

namespace Lemma.Text.Templates.Statements;

/// <summary>{{ x }} and {% print x %}.</summary>
internal sealed class OutputStatement(Expression expression, int position) : Statement(position)
{
    protected override Flow Run(RenderContext context)
    {
        expression.Evaluate(context).WriteText(context.Output);
        return Flow.Next;
    }
}
