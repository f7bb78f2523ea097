using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% filter name %} text {% endfilter %}.</summary>
internal sealed class FilterStatement(FilterChain filters, Block body, int position) : Statement(position)
{
    public static FilterStatement Parse(Parser parser, int position)
    {
        FilterChain filters = FilterChain.Parse(parser, needsPipe: false);
        return new FilterStatement(filters, parser.ReadBlock(out _, "endfilter"), position);
    }

    protected override Flow Run(RenderContext context)
    {
        filters.Apply(context, context.Capture(() => body.ExecuteInside(context, new Scope(context.Scope)))).WriteText(context.Output);
        return Flow.Next;
    }
}
