using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% with x = y %} {% endwith %}: variables of one block.</summary>
internal sealed class WithStatement(IReadOnlyList<(Target Target, Expression Value)> variables, Block body, int position)
    : Statement(position)
{
    public static WithStatement Parse(Parser parser, int position)
    {
        List<(Target, Expression)> variables = [];
        while (parser.Current.Kind != TokenKind.TagEnd)
        {
            if (variables.Count > 0)
                parser.ExpectOperator(",");
            Target target = Target.Parse(parser, allowsAttributes: false);
            parser.ExpectOperator("=");
            variables.Add((target, parser.Expressions.Read()));
        }
        return new WithStatement(variables, parser.ReadBlock(out _, "endwith"), position);
    }

    protected override Flow Run(RenderContext context)
    {
        Scope scope = new(context.Scope);
        foreach ((Target target, Expression value) in variables)
            target.Assign(context, scope, value.Evaluate(context));
        return body.ExecuteInside(context, scope);
    }
}
