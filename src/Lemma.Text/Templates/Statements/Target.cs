using Lemma.Text.Templates.Syntax;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Statements;

/// <summary>What is set: a name, an attribute of a namespace, or several of them.</summary>
internal sealed class Target
{
    private readonly string name = "";
    private readonly string? attribute;
    private readonly IReadOnlyList<Target>? parts;

    private Target(string name, string? attribute) => (this.name, this.attribute) = (name, attribute);

    private Target(IReadOnlyList<Target> parts) => this.parts = parts;

    /// <summary>Reads a, ns.a, or a, (b, c).</summary>
    /// <param name="parser">Where it is read from.</param>
    /// <param name="allowsAttributes">Whether attributes of a namespace may be set.</param>
    /// <param name="end">The name that ends it.</param>
    public static Target Parse(Parser parser, bool allowsAttributes, string? end = null)
    {
        List<Target> targets = [ParseOne(parser, allowsAttributes)];
        bool isTuple = false;
        while (parser.SkipOperator(","))
        {
            isTuple = true;
            if (parser.Current.Kind == TokenKind.TagEnd || parser.Current.IsOperator(")") || parser.Current.IsOperator("=")
                || (end is not null && parser.Current.IsName(end)))
                break;
            targets.Add(ParseOne(parser, allowsAttributes));
        }
        return isTuple ? new Target(targets) : targets[0];
    }

    /// <summary>Sets the variables of a scope.</summary>
    public void Assign(RenderContext context, Scope scope, Value value)
    {
        if (parts is null && attribute is null)
            scope.Set(name, value);
        else if (parts is null)
            (context.Find(name) as NamespaceValue
                ?? throw new TemplateFault($"'{name}.{attribute}' can be set only where '{name}' is a namespace"))
                .Set(attribute!, value);
        else
        {
            List<Value> values = context.Collect(value.Iterate());
            if (values.Count != parts.Count)
                throw new TemplateFault($"{parts.Count} names are set, but there are {values.Count} values");
            for (int i = 0; i < values.Count; i++)
                parts[i].Assign(context, scope, values[i]);
        }
    }

    private static Target ParseOne(Parser parser, bool allowsAttributes)
    {
        if (parser.SkipOperator("("))
        {
            parser.Nest();
            Target inner = Parse(parser, allowsAttributes);
            parser.ExpectOperator(")");
            parser.Unnest();
            return inner;
        }
        Token token = parser.Expect(TokenKind.Name, "a name that is set");
        if (token.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw parser.Error($"a variable may not be called '{token.Text}'", token.Position);
        return new Target(token.Text, allowsAttributes && parser.SkipOperator(".") ? parser.Expect(TokenKind.Name, "an attribute").Text
            : null);
    }
}
