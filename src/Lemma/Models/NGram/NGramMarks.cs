namespace Lemma.Models;

/// <summary>The ids around a document: n-grams know where it begins and where it ends by them, and none reaches over them.</summary>
/// <param name="Begin">The id that stands before a document, never predicted unless it is <paramref name="End"/> too; null: the beginning is no context.</param>
/// <param name="End">The id that is predicted behind a document; null: the end is not predicted.</param>
/// <remarks>One id may be both, as &lt;|endoftext|&gt; is. Neither occurs inside a document.</remarks>
public readonly record struct NGramMarks(int? Begin, int? End)
{
    /// <summary>One id that stands before a document and is predicted behind it.</summary>
    public static NGramMarks Same(int? id) => new(id, id);

    /// <summary>The id that is never predicted.</summary>
    internal int? Unpredicted => Begin == End ? null : Begin;

    internal void Validate(int vocabularySize)
    {
        foreach (int? id in (int?[])[Begin, End])
            Require.That(id is null || (uint)id.Value < (uint)vocabularySize, $"n-grams: the mark {id} is not in the vocabulary of {vocabularySize}");
    }
}
