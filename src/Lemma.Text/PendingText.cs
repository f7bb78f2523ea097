using Lemma.Text.PostProcessing;

namespace Lemma.Text;

/// <summary>One or two texts, encoded whole, before they are cut and put together.</summary>
internal readonly record struct PendingText(
    EncodedText First, int FirstLength, EncodedText Second, int SecondLength, IReadOnlyList<TemplateItem> Items)
{
    /// <summary>A part of each text with what the post-processor puts around them.</summary>
    public EncodedText Assemble((int Start, int End) first, (int Start, int End) second)
    {
        EncodedText encoded = new();
        foreach ((char sequence, int id, int typeId) in Items)
        {
            if (sequence == '\0')
            {
                encoded.Add(id, typeId, (0, 0), -1, -1, isSpecial: true);
                continue;
            }
            EncodedText text = sequence == 'B' ? Second : First;
            (int start, int end) = sequence == 'B' ? second : first;
            for (int i = start; i < end; i++)
                encoded.Add(text.Ids[i], typeId, text.Offsets[i], text.Words[i], sequence - 'A', isSpecial: false);
        }
        return encoded;
    }
}
