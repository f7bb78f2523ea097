using Lemma.Text.Templates.Builtins;

namespace Lemma.Text.Templates.Values;

/// <summary>The variable loop: where a loop is.</summary>
internal sealed class LoopValue(IReadOnlyList<Value> items, int depth, Func<RenderContext, Value, int, Value>? recurse) : CallableValue
{
    private IReadOnlyList<Value>? lastChanged;

    public int Index { get; set; }

    public override string Kind => "LoopContext";

    public override int? Length => items.Count;

    public override Value Call(RenderContext context, Arguments arguments) => recurse is null
        ? throw new TemplateFault("loop: only a loop that is marked 'recursive' can be called")
        : recurse(context, arguments.Bind("loop", 1, "iterable")[0]!, depth + 1);

    public override Value? Attribute(string name) => name switch
    {
        "index" => new IntegerValue(Index + 1),
        "index0" => new IntegerValue(Index),
        "revindex" => new IntegerValue(items.Count - Index),
        "revindex0" => new IntegerValue(items.Count - Index - 1),
        "first" => BooleanValue.Of(Index == 0),
        "last" => BooleanValue.Of(Index == items.Count - 1),
        "length" => new IntegerValue(items.Count),
        "depth" => new IntegerValue(depth + 1),
        "depth0" => new IntegerValue(depth),
        "previtem" => Index > 0 ? items[Index - 1] : new UndefinedValue("there is no previous item"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new UndefinedValue("there is no next item"),
        "cycle" => new FunctionValue(name, Cycle),
        "changed" => new FunctionValue(name, Changed),
        _ => null,
    };

    private Value Cycle(RenderContext context, Arguments arguments) => arguments.Positional.Count == 0
        ? throw new TemplateFault("loop.cycle: at least one value is needed, but there is none")
        : arguments.Positional[Index % arguments.Positional.Count];

    private BooleanValue Changed(RenderContext context, Arguments arguments)
    {
        IReadOnlyList<Value> now = arguments.Positional;
        bool isSame = lastChanged is not null && new SequenceValue(lastChanged).IsEqual(new SequenceValue(now), context.Budget);
        lastChanged = now;
        return BooleanValue.Of(!isSame);
    }
}
