namespace Lemma.Models;

/// <summary>Walks over levels.</summary>
internal static class NGramTrie
{
    /// <summary>The place of an n-gram in the level of its order; null where there is none.</summary>
    public static int? Find(ReadOnlySpan<NGramLevel> levels, ReadOnlySpan<int> ids)
    {
        int node = ids[0];
        if ((uint)node >= (uint)levels[0].Count)
            return null;
        for (int k = 1; k < ids.Length; k++)
        {
            node = Child(levels[k - 1], levels[k], node, ids[k]);
            if (node < 0)
                return null;
        }
        return node;
    }

    /// <summary>The place of what a node becomes with one more word, in the level above; negative where there is none.</summary>
    public static int Child(NGramLevel level, NGramLevel above, int node, int word)
    {
        (int first, int end) = level.Children(node);
        // Array.BinarySearch without its calls: this is where the time goes.
        int[] words = above.Words;
        for (int last = end - 1; first <= last;)
        {
            int middle = (first + last) >> 1, found = words[middle];
            if (found == word)
                return middle;
            if (found < word)
                first = middle + 1;
            else
                last = middle - 1;
        }
        return -1;
    }
}
