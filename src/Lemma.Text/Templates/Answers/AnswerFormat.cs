namespace Lemma.Text.Templates;

/// <summary>How the answers of a model look, found from its chat template: conversations that differ in one thing are rendered and compared.</summary>
/// <remarks>
/// A call is rendered with a name, arguments and an id that no template has, alone and beside a second one; what stands around these in the text is the format. So a
/// new model needs no code. Where a template writes no thoughts but names &lt;think&gt; and &lt;/think&gt;, these are the marks.
/// </remarks>
public sealed record AnswerFormat
{
    /// <summary>How calls of tools are written; null where the template writes none.</summary>
    public ToolCallFormat? Calls { get; init; }

    /// <summary>How thoughts are marked; null where the template knows none.</summary>
    public ReasoningFormat? Reasoning { get; init; }

    /// <summary>Finds the format of a template.</summary>
    /// <param name="template">The template.</param>
    /// <param name="now">The time that it may show; it does not matter.</param>
    public static AnswerFormat Find(ChatTemplate template, DateTime? now = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        AnswerFinder finder = new(template, now ?? DateTime.UnixEpoch);
        return new AnswerFormat { Calls = finder.FindCalls(), Reasoning = finder.FindReasoning() };
    }
}
