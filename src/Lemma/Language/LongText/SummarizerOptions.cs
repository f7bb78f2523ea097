using Lemma.Decoding;

namespace Lemma.Language.LongText;

/// <summary>How a long text is summarized.</summary>
public sealed record SummarizerOptions
{
    /// <summary>What stands in a prompt for the piece of text, exactly once.</summary>
    public const string TextPlace = "{text}";

    /// <summary>What stands in a prompt for <see cref="Words"/>.</summary>
    public const string WordsPlace = "{words}";

    /// <summary>What is asked of each piece of the text.</summary>
    public string PiecePrompt { get; init; } =
        "Summarize this part of a longer text in at most {words} words. Say nothing that is not in it.\n\n{text}\n\nSummary:";

    /// <summary>What is asked of summaries that stand one after the other, with an empty line between.</summary>
    public string MergePrompt { get; init; } =
        "These are summaries of the parts of one text, in order. Make one summary of at most {words} words of them.\n\n{text}\n\nSummary:";

    /// <summary>The words that prompts ask for; the model is asked, not forced.</summary>
    public int Words { get; init; } = 100;

    /// <summary>How a summary is written and how many tokens it has at most; null for the likeliest ids, up to an eighth of the longest sequence or 256.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>The most tokens of a piece; null for what the longest sequence leaves beside prompt and summary, up to 2,048.</summary>
    public int? PieceTokens { get; init; }

    /// <summary>The most tokens that a piece of the text has of the one before, in whole units (<see cref="TextChunks.ByStructure"/>).</summary>
    public int Overlap { get; init; }

    /// <summary>The most levels: 2 for map and reduce, where all summaries must fit one prompt; null for as many as it takes.</summary>
    public int? MaximumLevels { get; init; }

    /// <summary>The time that chat templates may show, such as today's date; null for now.</summary>
    public DateTime? Now { get; init; }
}
