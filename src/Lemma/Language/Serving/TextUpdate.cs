using Lemma.Decoding;

namespace Lemma.Language.Serving;

/// <summary>What happened to one text of a request.</summary>
/// <param name="Sequence">The number of the text, from 0.</param>
/// <param name="Text">What is certain to come next, often nothing: the bytes of a character may not all be there, or a text to stop at may have begun.</param>
public readonly record struct TextUpdate(int Sequence, string Text)
{
    /// <summary>The id that came; null at the end.</summary>
    public int? Id { get; init; }

    /// <summary>The id with its log-probability, beside the likeliest; null where the options do not ask for it.</summary>
    public TokenChoice? Choice { get; init; }

    /// <summary>Whether the id is one of the prompt, which adds no text: the second and all behind it, before all else, where they are told.</summary>
    public bool IsPrompt { get; init; }

    /// <summary>The id that ended the text, beside the likeliest; null where the options do not ask for it, or no id ended it.</summary>
    public TokenChoice? Ending { get; init; }

    /// <summary>Why the text ended; null while it goes on.</summary>
    public TextEnd? End { get; init; }

    /// <summary>The text that it stopped at; null where none came.</summary>
    public string? Stop { get; init; }
}
