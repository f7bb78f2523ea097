namespace Lemma.Models;

/// <summary>All n-grams of one order: those with one context stand together, by their last word. A context is an n-gram of the order below.</summary>
internal sealed class NGramLevel
{
    /// <summary>The last word of each.</summary>
    public required int[] Words { get; init; }

    /// <summary>Of each the place of the n-gram without its first word, in the level below; of the first level nothing.</summary>
    public required int[] Suffixes { get; init; }

    /// <summary>Where those that go on from each begin in the level above, and where the last end; zeros alone in the highest.</summary>
    public required int[] First { get; set; }

    /// <summary>Where, behind each, those that go on end.</summary>
    public (int First, int End) Children(int node) => (First[node], First[node + 1]);

    public int Count => Words.Length;

    /// <summary>The context of each, in the level below.</summary>
    public static int[] Parents(NGramLevel below, int count)
    {
        int[] parents = new int[count];
        for (int node = 0; node < below.Count; node++)
            parents.AsSpan(below.First[node]..below.First[node + 1]).Fill(node);
        return parents;
    }

    /// <summary>The words 0 to V − 1, none of which goes on.</summary>
    public static NGramLevel OfWords(int vocabularySize)
    {
        int[] words = new int[vocabularySize];
        for (int i = 0; i < words.Length; i++)
            words[i] = i;
        return new NGramLevel { Words = words, Suffixes = [], First = new int[vocabularySize + 1] };
    }
}
