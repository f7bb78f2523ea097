namespace Lemma.Text.Templates;

/// <summary>A rule that a value broke; the expression or statement that runs adds the place and throws <see
/// cref="TemplateException"/>.</summary>
internal sealed class TemplateFault(string rule, bool isRefusal = false) : Exception(rule)
{
    /// <summary>Whether the template itself raised it.</summary>
    public bool IsRefusal => isRefusal;
}
