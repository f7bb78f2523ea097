namespace Lemma.Text;

/// <summary>The ids of a text or of two, and what belongs to each of them; all lists have the same length.</summary>
public sealed class EncodedText
{
    /// <summary>The ids.</summary>
    public List<int> Ids { get; } = [];

    /// <summary>The segment of each id.</summary>
    public List<int> TypeIds { get; } = [];

    /// <summary>The range of the text, in UTF-16 code units, that each id stands for; (0, 0) for special tokens that were added.</summary>
    public List<(int Start, int End)> Offsets { get; } = [];

    /// <summary>The number of the word that each id belongs to; −1 for special and added tokens.</summary>
    public List<int> Words { get; } = [];

    /// <summary>0 for the first text, 1 for the second, −1 for what was put around them.</summary>
    public List<int> Sequences { get; } = [];

    /// <summary>1 for tokens that the post-processor or the padding added, otherwise 0.</summary>
    public List<int> SpecialTokensMask { get; } = [];

    /// <summary>0 for padding, otherwise 1.</summary>
    public List<int> AttentionMask { get; } = [];

    internal void Add(int id, int typeId, (int Start, int End) offset, int word, int sequence, bool isSpecial)
    {
        Ids.Add(id);
        TypeIds.Add(typeId);
        Offsets.Add(offset);
        Words.Add(word);
        Sequences.Add(sequence);
        SpecialTokensMask.Add(isSpecial ? 1 : 0);
        AttentionMask.Add(1);
    }

    /// <summary>Fills up to a length.</summary>
    internal void Pad(PaddingOptions padding, int length)
    {
        int more = length - Ids.Count;
        if (more <= 0)
            return;
        int at = padding.FillsLeft ? 0 : Ids.Count;
        Ids.InsertRange(at, Enumerable.Repeat(padding.Id, more));
        TypeIds.InsertRange(at, Enumerable.Repeat(padding.TypeId, more));
        Offsets.InsertRange(at, Enumerable.Repeat((0, 0), more));
        Words.InsertRange(at, Enumerable.Repeat(-1, more));
        Sequences.InsertRange(at, Enumerable.Repeat(-1, more));
        SpecialTokensMask.InsertRange(at, Enumerable.Repeat(1, more));
        AttentionMask.InsertRange(at, Enumerable.Repeat(0, more));
    }
}
