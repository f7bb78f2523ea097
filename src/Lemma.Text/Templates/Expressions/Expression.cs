using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>A part of a template that has a value.</summary>
/// <param name="position">Where it stands, for errors.</param>
internal abstract class Expression(int position)
{
    public int Position => position;

    /// <summary>The value; a fault gets this place.</summary>
    public Value Evaluate(RenderContext context)
    {
        try
        {
            context.Budget.Enter();
            Value value = Compute(context);
            context.Budget.Leave();
            return value;
        }
        catch (TemplateFault fault)
        {
            throw context.Error(fault, position);
        }
    }

    protected abstract Value Compute(RenderContext context);
}
