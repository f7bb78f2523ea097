namespace Lemma.Decoding;

/// <summary>Why a text ended.</summary>
public enum TextEnd
{
    /// <summary>An id that ends a text came, or a text to stop at, or the caller ended it.</summary>
    Stop,

    /// <summary>As many ids as were asked for, or as fit the longest sequence.</summary>
    Length,
}

/// <summary>What happened to one text of a request: a further id, or its end; or an id of the prompt, where those are told.</summary>
/// <param name="Sequence">The number of the text, from 0.</param>
/// <param name="Id">The id; −1 at the end.</param>
public readonly record struct BatchEvent(int Sequence, int Id)
{
    /// <summary>The id with its log-probability, where the options ask for it.</summary>
    public TokenLogProbability Chosen { get; init; }

    /// <summary>The likeliest ids there, the likeliest first; empty where the options ask for none.</summary>
    public IReadOnlyList<TokenLogProbability> Likeliest { get; init; } = [];

    /// <summary>Why the text ended; null while it goes on.</summary>
    public TextEnd? End { get; init; }

    /// <summary>The id that ended the text, with its log-probability, where the options ask for it; null where none did.</summary>
    public TokenLogProbability? Ending { get; init; }

    /// <summary>Whether the id is one of the prompt: the second and all behind it in order, before any other event, as of text 0.</summary>
    public bool IsPrompt { get; init; }
}

/// <summary>What a request took.</summary>
/// <param name="Prompt">Ids of the prompt.</param>
/// <param name="Cached">Ids of the prompt that were not read, since a state had them.</param>
/// <param name="Made">Ids that were made, those of all texts; ids that ended a text are not among them.</param>
/// <param name="Guessed">Ids that were guessed ahead.</param>
/// <param name="Right">Ids among them that came.</param>
public readonly record struct BatchUsage(int Prompt, int Cached, int Made, int Guessed, int Right);
