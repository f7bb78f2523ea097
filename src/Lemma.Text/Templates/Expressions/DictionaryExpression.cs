using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Expressions;

/// <summary>{key: value}.</summary>
internal sealed class DictionaryExpression(IReadOnlyList<(Expression Key, Expression Value)> items, int position) : Expression(position)
{
    protected override Value Compute(RenderContext context)
    {
        DictionaryValue dictionary = new();
        foreach ((Expression key, Expression value) in items)
            dictionary.Add(key.Evaluate(context), value.Evaluate(context));
        return dictionary;
    }
}
