namespace Lemma.Text.Templates.Syntax;

/// <summary>The text of a template as Jinja reads it: lines end in \n, and one at the very end is dropped.</summary>
internal sealed class TemplateSource
{
    public TemplateSource(string text)
    {
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        Text = text.EndsWith('\n') ? text[..^1] : text;
    }

    public string Text { get; }

    /// <summary>The error that a rule is broken at a position.</summary>
    public TemplateException Error(string rule, int position, bool isRefusal = false)
    {
        ReadOnlySpan<char> before = Text.AsSpan(0, Math.Min(position, Text.Length));
        return new TemplateException(rule, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'), isRefusal ? rule : null);
    }
}
