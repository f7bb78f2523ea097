using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>A variable or a global function.</summary>
internal sealed class NameExpression(string name, int position) : Expression(position)
{
    public string Name => name;

    protected override Value Compute(RenderContext context) => context.Find(name);
}
