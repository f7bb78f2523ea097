namespace Lemma.Data;

/// <summary>Why an example is left out.</summary>
public enum DropReason
{
    /// <summary>A document without text.</summary>
    EmptyText,

    /// <summary>A prompt in which nothing is said.</summary>
    EmptyPrompt,

    /// <summary>A conversation in which the assistant has no turn.</summary>
    NoAnswer,

    /// <summary>An answer that says nothing.</summary>
    EmptyAnswer,

    /// <summary>Two answers to compare that are the same.</summary>
    SameAnswers,

    /// <summary>The same texts as an earlier example.</summary>
    Duplicate,

    /// <summary>More tokens than the longest length.</summary>
    TooLong,

    /// <summary>No token to be predicted, such as an answer behind the place where the text was cut.</summary>
    NothingCounts,

    /// <summary>A pair with a score below 1, where those are read that go together.</summary>
    LowScore,
}
