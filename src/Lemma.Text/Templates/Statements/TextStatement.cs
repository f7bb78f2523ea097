namespace Lemma.Text.Templates.Statements;

/// <summary>Text between tags.</summary>
internal sealed class TextStatement(string text, int position) : Statement(position)
{
    protected override Flow Run(RenderContext context)
    {
        context.Output.Append(text);
        return Flow.Next;
    }
}
