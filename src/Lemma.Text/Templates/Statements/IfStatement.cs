using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% if a %} {% elif b %} {% else %} {% endif %}.</summary>
internal sealed class IfStatement(IReadOnlyList<(Expression Condition, Block Body)> branches, Block? otherwise, int position)
    : Statement(position)
{
    public static IfStatement Parse(Parser parser, int position)
    {
        List<(Expression, Block)> branches = [];
        string end;
        do
        {
            (bool outer, parser.IsConditional) = (parser.IsConditional, true);
            Expression condition = parser.Expressions.ReadTuple(withConditional: false);
            parser.IsConditional = outer;
            branches.Add((condition, parser.ReadBlock(out end, "elif", "else", "endif")));
        }
        while (end == "elif");
        return new IfStatement(branches, end == "else" ? parser.ReadBlock(out _, "endif") : null, position);
    }

    protected override Flow Run(RenderContext context)
    {
        foreach ((Expression condition, Block body) in branches)
            if (condition.Evaluate(context).IsTrue)
                return body.Execute(context);
        return otherwise?.Execute(context) ?? Flow.Next;
    }
}
