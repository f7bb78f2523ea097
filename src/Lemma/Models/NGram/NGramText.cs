namespace Lemma.Models;

/// <summary>Documents one behind the other with their marks, and of each id how far it stands in its document.</summary>
internal sealed class NGramText(int vocabularySize, NGramMarks marks)
{
    private readonly List<int> ids = [], depths = [];
    private bool isChecked;

    public int VocabularySize => vocabularySize;

    public NGramMarks Marks => marks;

    public ReadOnlySpan<int> Ids => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids);

    /// <summary>1 for the first id of a document, its mark included.</summary>
    public ReadOnlySpan<int> Depths => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(depths);

    public long Predicted { get; private set; }

    public bool IsPredicted(int place) => marks.Begin is null || depths[place] > 1;

    public void Add(ReadOnlySpan<int> document, bool isEnded)
    {
        Check();
        int begin = ids.Count;
        if (marks.Begin is { } mark)
            ids.Add(mark);
        foreach (int id in document)
        {
            Require.That((uint)id < (uint)vocabularySize, $"n-grams: id {id} is not in the vocabulary of {vocabularySize}");
            Require.That(id != marks.Begin && id != marks.End, $"n-grams: a document has the mark {id} inside");
            ids.Add(id);
        }
        if (isEnded && marks.End is { } end)
            ids.Add(end);
        for (int i = begin; i < ids.Count; i++)
            depths.Add(i - begin + 1);
        Predicted += Math.Max(0, ids.Count - begin - (marks.Begin is null ? 0 : 1));
    }

    public void AddRun(ReadOnlySpan<int> run)
    {
        Check();
        if (marks.End is not { } end)
        {
            Add(run, isEnded: false);
            return;
        }
        if (run.Length > 0 && run[0] == marks.Begin)
            run = run[1..];
        while (run.Length > 0)
        {
            int length = run.IndexOf(end);
            Add(length < 0 ? run : run[..length], isEnded: length >= 0);
            run = length < 0 ? default : run[(length + 1)..];
        }
    }

    /// <summary>Refuses an empty vocabulary and marks that are not in it.</summary>
    public void Check()
    {
        if (isChecked)
            return;
        Require.That(vocabularySize > 0, $"n-grams: the vocabulary must have at least one id, but it has {vocabularySize}");
        marks.Validate(vocabularySize);
        isChecked = true;
    }
}
