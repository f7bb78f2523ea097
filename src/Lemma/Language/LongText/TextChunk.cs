namespace Lemma.Language.LongText;

/// <summary>A part of a text with its place among the characters and the tokens of the whole.</summary>
/// <param name="Text">The characters.</param>
/// <param name="Start">Where they begin in the text.</param>
/// <param name="FirstToken">The first of its tokens, among those of the text encoded as a whole.</param>
/// <param name="TokenCount">How many of those tokens it has.</param>
public readonly record struct TextChunk(string Text, int Start, int FirstToken, int TokenCount)
{
    /// <summary>How many characters it has.</summary>
    public int Length => Text.Length;
}
