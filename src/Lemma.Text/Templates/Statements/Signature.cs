using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>The parameters of a macro, and which of caller, varargs and kwargs its body asks for.</summary>
internal sealed class Signature(IReadOnlyList<(string Name, Expression? Default)> parameters)
{
    public IReadOnlyList<(string Name, Expression? Default)> Parameters => parameters;

    public bool UsesCaller { get; set; }

    public bool UsesRest { get; set; }

    public bool UsesNamedRest { get; set; }

    /// <summary>Reads (a, b=1).</summary>
    public static Signature Parse(Parser parser)
    {
        parser.ExpectOperator("(");
        List<(string Name, Expression? Default)> parameters = [];
        while (!parser.Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
                parser.ExpectOperator(",");
            Token name = parser.Expect(TokenKind.Name, "the name of a parameter");
            Expression? other = parser.SkipOperator("=") ? parser.Expressions.Read() : null;
            if (other is null && parameters.Count > 0 && parameters[^1].Default is not null)
                throw parser.Error($"the parameter '{name.Text}' must have a default, since the one before it has", name.Position);
            parameters.Add((name.Text, other));
        }
        parser.ExpectOperator(")");
        return new Signature(parameters);
    }
}
