using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>f(arguments).</summary>
internal sealed class CallExpression(Expression function, ArgumentList arguments, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context) => Call(context, null);

    /// <summary>The call with one more argument: the caller of a call block.</summary>
    public Value Call(RenderContext context, Value? caller)
    {
        Value value = function.Evaluate(context);
        Arguments given = arguments.Evaluate(context);
        if (caller is not null)
            given = new Arguments(given.Positional, [.. given.Named, ("caller", caller)]);
        return value switch
        {
            CallableValue callable => callable.Call(context, given),
            UndefinedValue undefined => throw new TemplateFault(undefined.Reason),
            _ => throw new TemplateFault($"a function is needed, but {value.Shown} is called"),
        };
    }
}
