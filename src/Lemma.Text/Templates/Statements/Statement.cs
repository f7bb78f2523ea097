namespace Lemma.Text.Templates.Statements;

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    /// <summary>The next one comes.</summary>
    Next,

    /// <summary>The loop ends.</summary>
    Break,

    /// <summary>The loop goes to its next element.</summary>
    Continue,
}

/// <summary>A part of a template that does something.</summary>
/// <param name="position">Where it stands, for errors.</param>
internal abstract class Statement(int position)
{
    public int Position => position;

    /// <summary>Does it; a fault gets this place.</summary>
    public Flow Execute(RenderContext context)
    {
        try
        {
            context.Budget.Enter();
            Flow flow = Run(context);
            context.Budget.Leave();
            return flow;
        }
        catch (TemplateFault fault)
        {
            throw context.Error(fault, position);
        }
    }

    protected abstract Flow Run(RenderContext context);
}
