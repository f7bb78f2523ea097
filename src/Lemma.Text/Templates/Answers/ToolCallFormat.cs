namespace Lemma.Text.Templates;

/// <summary>What stands at a place of a call.</summary>
public enum CallHole
{
    /// <summary>The name of the tool.</summary>
    Name,

    /// <summary>The arguments: an object of JSON, or parameters one by one (<see cref="ToolCallFormat.Parameters"/>).</summary>
    Arguments,

    /// <summary>The id of the call, nine letters and digits.</summary>
    Id,
}

/// <summary>A part of a call: a fixed text, and what stands behind it (null behind the last text).</summary>
/// <param name="Text">The fixed text; may be empty.</param>
/// <param name="Hole">What follows it.</param>
public sealed record CallPart(string Text, CallHole? Hole);

/// <summary>How parameters are written one by one: a string as it is, everything else as JSON.</summary>
/// <param name="Before">What stands before the name of one.</param>
/// <param name="Middle">What stands between name and value.</param>
/// <param name="After">What stands behind the value.</param>
public sealed record ParameterFormat(string Before, string Middle, string After);

/// <summary>How a chat template writes the calls of an answer.</summary>
public sealed record ToolCallFormat
{
    /// <summary>What stands before the first call, without white space in front; empty where a call begins with its own text.</summary>
    public required string Before { get; init; }

    /// <summary>A call.</summary>
    public required IReadOnlyList<CallPart> Call { get; init; }

    /// <summary>What stands between two calls; null where the template knows one call at a time.</summary>
    public string? Between { get; init; }

    /// <summary>What stands behind the last call, before the end of the turn; white space at its end is left out.</summary>
    public required string After { get; init; }

    /// <summary>How parameters are written, where they are no object of JSON; null where they are.</summary>
    public ParameterFormat? Parameters { get; init; }

    /// <summary>Whether the template takes arguments as a text of JSON, and not as an object.</summary>
    public bool TakesText { get; init; }

    /// <summary>Whether the template takes a call only in a message without content (null).</summary>
    public bool TakesNoContent { get; init; }
}

/// <summary>How a chat template marks what a model thinks before it answers.</summary>
/// <param name="Start">The mark before, without white space around.</param>
/// <param name="End">The mark behind.</param>
/// <param name="IsOpen">Whether the prompt itself has the mark before, so that an answer begins in the middle of it.</param>
public sealed record ReasoningFormat(string Start, string End, bool IsOpen);
