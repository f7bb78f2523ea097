using Lemma.Text.Templates.Builtins;
using Lemma.Text.Templates.Syntax;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates;

/// <summary>One rendering: where its text goes, its variables, its clock, and what it may still use.</summary>
internal sealed class RenderContext(TemplateSource source, Budget budget, DateTime? now)
{
    public Budget Budget => budget;

    /// <summary>The time that strftime_now shows; null when the caller gave none.</summary>
    public DateTime? Now => now;

    /// <summary>Where output goes.</summary>
    public TextBuffer Output { get; set; } = new(budget);

    /// <summary>The parts of the text that generation blocks wrote.</summary>
    public List<(int Start, int End)> Answers { get; } = [];

    /// <summary>How many captured texts stand around this place.</summary>
    public int CaptureDepth { get; private set; }

    /// <summary>The variables that are seen.</summary>
    public Scope Scope { get; set; } = new(null);

    /// <summary>The variables at the template's top.</summary>
    public Scope Top { get; set; } = new(null);

    /// <summary>The variable of a name, or else the global function.</summary>
    public Value Find(string name) => Scope.Find(name) ?? Globals.Find(name) ?? new UndefinedValue($"'{name}' is undefined");

    /// <summary>A fault at a position of the template.</summary>
    public TemplateException Error(TemplateFault fault, int position) => source.Error(fault.Message, position, fault.IsRefusal);

    /// <summary>A text as a value, which the budget pays for.</summary>
    public StringValue Text(string text)
    {
        budget.UseText(text.Length);
        return new StringValue(text);
    }

    /// <summary>Elements as a list, which the budget pays for one by one.</summary>
    public List<Value> Collect(IEnumerable<Value> elements)
    {
        List<Value> list = [];
        foreach (Value element in elements)
        {
            budget.Use(1);
            list.Add(element);
        }
        return list;
    }

    /// <summary>Runs something whose output becomes a text.</summary>
    public StringValue Capture(Action run)
    {
        TextBuffer outer = Output, inner = new(budget);
        (Output, CaptureDepth) = (inner, CaptureDepth + 1);
        run();
        (Output, CaptureDepth) = (outer, CaptureDepth - 1);
        return new StringValue(inner.ToString());
    }
}
