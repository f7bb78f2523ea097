namespace Lemma.Text.Templates;

/// <summary>A chat template is malformed, went wrong, passed a limit of the sandbox, or refused the conversation.</summary>
/// <remarks>The message is one sentence with the line and the column, both from 1.</remarks>
public sealed class TemplateException : FormatException
{
    /// <summary>An error at a place of a template.</summary>
    public TemplateException(string rule, int line, int column, string? refusal = null)
        : base($"template: line {line}, column {column}: {rule}") => (Line, Column, Refusal) = (line, column, refusal);

    /// <summary>The line, from 1.</summary>
    public int Line { get; }

    /// <summary>The column in UTF-16 units, from 1.</summary>
    public int Column { get; }

    /// <summary>What the template itself said by raise_exception; null for every other error.</summary>
    public string? Refusal { get; }
}
