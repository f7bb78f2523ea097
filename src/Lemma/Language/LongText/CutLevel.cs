namespace Lemma.Language.LongText;

/// <summary>What a text is cut between, from the smallest to the largest.</summary>
internal enum CutLevel : byte
{
    Token,
    Word,
    Sentence,
    Paragraph,
}
