using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% autoescape false %} text {% endautoescape %}: a block of its own, as chat templates are never escaped.</summary>
internal sealed class AutoescapeStatement(Block body, int position) : Statement(position)
{
    public static AutoescapeStatement Parse(Parser parser, int position)
    {
        if (!parser.SkipName("false") && !parser.SkipName("False"))
            throw parser.Error("a chat template is not HTML: autoescape must be false, but here it is not", position);
        return new AutoescapeStatement(parser.ReadBlock(out _, "endautoescape"), position);
    }

    protected override Flow Run(RenderContext context) => body.ExecuteInside(context, new Scope(context.Scope));
}
