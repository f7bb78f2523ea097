using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% generation %} text {% endgeneration %}: marks what the model writes; the text is the same without it.</summary>
internal sealed class GenerationStatement(Block body, int position) : Statement(position)
{
    public static GenerationStatement Parse(Parser parser, int position) =>
        new(parser.ReadBody(new Signature([]), "endgeneration"), position);

    protected override Flow Run(RenderContext context) => body.ExecuteInside(context, new Scope(context.Scope));
}
