using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% macro name(a, b=1) %} {% endmacro %}: a function whose value is its text.</summary>
internal sealed class MacroStatement(string name, Signature signature, Block body, int position) : Statement(position)
{
    public static MacroStatement Parse(Parser parser, int position)
    {
        string name = parser.Expect(TokenKind.Name, "the name of a macro").Text;
        Signature signature = Signature.Parse(parser);
        return new MacroStatement(name, signature, parser.ReadBody(signature, "endmacro"), position);
    }

    protected override Flow Run(RenderContext context)
    {
        context.Scope.Set(name, new MacroValue(name, signature, body, context.Scope));
        return Flow.Next;
    }
}
