using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% block name scoped %} {% endblock name %}: in a single template, its content where it stands.</summary>
/// <remarks>A block sees the variables at the template's top, and those around it only when it is scoped.</remarks>
internal sealed class BlockStatement(string name, bool isScoped, bool isRequired, Block body, int position) : Statement(position)
{
    public static BlockStatement Parse(Parser parser, int position)
    {
        string name = parser.Expect(TokenKind.Name, "the name of a block").Text;
        parser.NoteBlock(name, position);
        bool isScoped = parser.SkipName("scoped"), isRequired = parser.SkipName("required");
        Block body = parser.ReadBody(new Signature([]), "endblock");
        parser.SkipName(name);
        parser.Expect(TokenKind.TagEnd, "the end of the tag");
        return new BlockStatement(name, isScoped, isRequired, body, position);
    }

    protected override Flow Run(RenderContext context) => isRequired
        ? throw new TemplateFault($"the block '{name}' is required of another template, and a chat template has no others")
        : body.ExecuteInside(context, new Scope(isScoped ? context.Scope : context.Top));
}
