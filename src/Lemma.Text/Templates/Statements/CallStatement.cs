using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% call(a) f(b) %} text {% endcall %}: a call whose function gets the text as caller(a).</summary>
internal sealed class CallStatement(Signature signature, CallExpression call, Block body, int position) : Statement(position)
{
    public static CallStatement Parse(Parser parser, int position)
    {
        Signature signature = parser.Current.IsOperator("(") ? Signature.Parse(parser) : new Signature([]);
        CallExpression call = parser.Expressions.Read() as CallExpression
            ?? throw parser.Error("'call' must be followed by a call, but is not", position);
        return new CallStatement(signature, call, parser.ReadBody(signature, "endcall"), position);
    }

    protected override Flow Run(RenderContext context)
    {
        call.Call(context, new MacroValue("caller", signature, body, context.Scope)).WriteText(context.Output);
        return Flow.Next;
    }
}
