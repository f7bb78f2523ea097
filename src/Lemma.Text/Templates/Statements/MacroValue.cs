using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Statements;

/// <summary>A macro with the variables that it sees.</summary>
internal sealed class MacroValue(string name, Signature signature, Block body, Scope outer) : CallableValue
{
    public override string Kind => "Macro";

    public override Value? Attribute(string attribute) => attribute switch
    {
        "name" => new StringValue(name),
        "arguments" => new SequenceValue([.. signature.Parameters.Select(static parameter => new StringValue(parameter.Name))],
            isTuple: true),
        "caller" => BooleanValue.Of(signature.UsesCaller),
        _ => null,
    };

    public override Value Call(RenderContext context, Arguments arguments)
    {
        Scope scope = new(outer), before = context.Scope;
        List<(string Name, Value Value)> named = [.. arguments.Named];
        context.Scope = scope;
        for (int i = 0; i < signature.Parameters.Count; i++)
        {
            (string parameter, Lemma.Text.Templates.Expressions.Expression? other) = signature.Parameters[i];
            int at = named.FindIndex(pair => pair.Name == parameter);
            Value? value = i < arguments.Positional.Count ? arguments.Positional[i] : at >= 0 ? named[at].Value : null;
            if (i >= arguments.Positional.Count && at >= 0)
                named.RemoveAt(at);
            scope.Set(parameter, value ?? other?.Evaluate(context) ?? new UndefinedValue($"the parameter '{parameter}' is not given"));
        }
        AddRest(scope, arguments, named);
        StringValue text = context.Capture(() => body.Execute(context));
        context.Scope = before;
        return text;
    }

    private void AddRest(Scope scope, Arguments arguments, List<(string Name, Value Value)> named)
    {
        int caller = named.FindIndex(static pair => pair.Name == "caller");
        if (signature.UsesCaller)
        {
            scope.Set("caller", caller >= 0 ? named[caller].Value : new UndefinedValue("there is no caller"));
            if (caller >= 0)
                named.RemoveAt(caller);
        }
        if (signature.UsesNamedRest)
        {
            DictionaryValue rest = new();
            named.ForEach(pair => rest.Add(new StringValue(pair.Name), pair.Value));
            scope.Set("kwargs", rest);
        }
        else if (named.Count > 0)
            throw new TemplateFault($"macro {name}: there is no parameter '{named[0].Name}'");
        if (signature.UsesRest)
            scope.Set("varargs", new SequenceValue([.. arguments.Positional.Skip(signature.Parameters.Count)], isTuple: true));
        else if (arguments.Positional.Count > signature.Parameters.Count)
            throw new TemplateFault($"macro {name}: at most {signature.Parameters.Count} arguments are taken, "
                + $"but {arguments.Positional.Count} are given");
    }
}
