using Lemma.Text.Templates.Builtins;

namespace Lemma.Text.Templates.Values;

/// <summary>What can be called: a built-in function, a method of a value, a macro, the loop itself.</summary>
internal abstract class CallableValue : Value
{
    /// <summary>Runs it.</summary>
    public abstract Value Call(RenderContext context, Arguments arguments);
}

/// <summary>A function in C#.</summary>
internal sealed class FunctionValue(string name, Func<RenderContext, Arguments, Value> call) : CallableValue
{
    public override string Kind => $"function {name}";

    public override Value Call(RenderContext context, Arguments arguments) => call(context, arguments);
}
