using System.Text;

namespace Lemma.Text.Templates;

/// <summary>A text in the making, whose length is bounded.</summary>
internal sealed class TextBuffer(Budget budget)
{
    private readonly StringBuilder text = new();

    public Budget Budget => budget;

    public int Length => text.Length;

    public TextBuffer Append(string part)
    {
        budget.UseText(part.Length, text.Length);
        text.Append(part);
        return this;
    }

    public TextBuffer Append(char part, int count = 1)
    {
        budget.UseText(count, text.Length);
        text.Append(part, count);
        return this;
    }

    public override string ToString() => text.ToString();
}
