namespace Lemma.Text.Templates.Statements;

/// <summary>Statements one after the other.</summary>
internal sealed class Block(IReadOnlyList<Statement> statements)
{
    public Flow Execute(RenderContext context)
    {
        foreach (Statement statement in statements)
            if (statement.Execute(context) is var flow and not Flow.Next)
                return flow;
        return Flow.Next;
    }

    /// <summary>The statements with variables of their own.</summary>
    public Flow ExecuteInside(RenderContext context, Scope scope)
    {
        Scope outer = context.Scope;
        context.Scope = scope;
        Flow flow = Execute(context);
        context.Scope = outer;
        return flow;
    }
}
