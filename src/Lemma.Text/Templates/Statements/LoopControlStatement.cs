using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% break %} and {% continue %}.</summary>
internal sealed class LoopControlStatement(Flow flow, int position) : Statement(position)
{
    public static LoopControlStatement Parse(Parser parser, Flow flow, int position) => parser.LoopDepth > 0
        ? new LoopControlStatement(flow, position)
        : throw parser.Error($"'{(flow == Flow.Break ? "break" : "continue")}' must stand inside a loop, but does not", position);

    protected override Flow Run(RenderContext context) => flow;
}
