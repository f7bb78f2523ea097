namespace Lemma.Language.Tools;

/// <summary>What a piece of an answer belongs to.</summary>
public enum AnswerKind
{
    /// <summary>What is said.</summary>
    Content,

    /// <summary>What is thought before.</summary>
    Reasoning,

    /// <summary>The whole name of a tool: a call begins.</summary>
    CallName,

    /// <summary>The whole id of a call, where the model writes one.</summary>
    CallId,

    /// <summary>A piece of the arguments of a call, which are JSON together.</summary>
    Arguments,
}

/// <summary>A piece of an answer.</summary>
/// <param name="Kind">What it belongs to.</param>
/// <param name="Text">The piece, not empty.</param>
/// <param name="Call">Of a call: its number, from 0.</param>
public readonly record struct AnswerDelta(AnswerKind Kind, string Text, int Call = 0);
