using Lemma.Text.Templates.Syntax;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% generation %} text {% endgeneration %}: marks what the model writes; the text is the same without it.</summary>
internal sealed class GenerationStatement(Block body, int position) : Statement(position)
{
    public static GenerationStatement Parse(Parser parser, int position)
    {
        parser.MarksAnswers = true;
        return new(parser.ReadBody(new Signature([]), "endgeneration"), position);
    }

    protected override Flow Run(RenderContext context)
    {
        int start = context.Output.Length;
        Flow flow = body.ExecuteInside(context, new Scope(context.Scope));
        // Where a captured text will come to stand is not known, so a block in one marks nothing.
        if (context.CaptureDepth == 0)
            context.Answers.Add((start, context.Output.Length));
        return flow;
    }
}
