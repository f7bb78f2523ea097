using Lemma.Text.Templates.Expressions;
using Lemma.Text.Templates.Syntax;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Statements;

/// <summary>{% for x in y if condition recursive %} {% else %} {% endfor %}.</summary>
internal sealed class ForStatement(
    Target target, Expression source, Expression? condition, bool isRecursive, Block body, Block? otherwise, int position)
        : Statement(position)
{
    public static ForStatement Parse(Parser parser, int position)
    {
        Target target = Target.Parse(parser, allowsAttributes: false, "in");
        parser.ExpectName("in");
        Expression source = parser.Expressions.ReadTuple(withConditional: false, "recursive");
        Expression? condition = parser.SkipName("if") ? parser.Expressions.Read() : null;
        bool isRecursive = parser.SkipName("recursive");
        parser.LoopDepth++;
        Block body = parser.ReadBlock(out string end, "endfor", "else");
        parser.LoopDepth--;
        return new ForStatement(target, source, condition, isRecursive, body, end == "else" ? parser.ReadBlock(out _, "endfor")
            : null, position);
    }

    protected override Flow Run(RenderContext context)
    {
        Loop(context, source.Evaluate(context), context.Scope, 0);
        return Flow.Next;
    }

    private void Loop(RenderContext context, Value elements, Scope scope, int depth)
    {
        List<Value> items = [];
        foreach (Value item in elements.Iterate())
        {
            context.Budget.Use(1);
            if (condition is null || Holds(context, scope, item))
                items.Add(item);
        }
        LoopValue loop = new(items, depth, isRecursive ? (inner, value, level) => Recurse(inner, value, scope, level) : null);
        for (int i = 0; i < items.Count; i++)
        {
            Scope variables = new(scope);
            variables.Set("loop", loop);
            loop.Index = i;
            target.Assign(context, variables, items[i]);
            if (body.ExecuteInside(context, variables) == Flow.Break)
                break;
        }
        if (items.Count == 0)
            otherwise?.ExecuteInside(context, new Scope(scope));
    }

    private bool Holds(RenderContext context, Scope scope, Value item)
    {
        Scope outer = context.Scope, variables = new(scope);
        target.Assign(context, variables, item);
        context.Scope = variables;
        bool holds = condition!.Evaluate(context).IsTrue;
        context.Scope = outer;
        return holds;
    }

    private StringValue Recurse(RenderContext context, Value elements, Scope scope, int depth) => context.Capture(() =>
    {
        context.Budget.Enter();
        Loop(context, elements, scope, depth);
        context.Budget.Leave();
    });
}
