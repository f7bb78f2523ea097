using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>Makes a word-level tokenizer: one id for each of the most frequent words.</summary>
/// <remarks>Ids: special tokens, then words by falling count; of equal counts in ordinal order.</remarks>
public static class WordTrainer
{
    /// <summary>Counts the words of texts, which are read once; memory grows with the distinct words.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="vocabularySize">The most pieces, special tokens included.</param>
    /// <param name="minimumFrequency">The least number of times that a word must occur.</param>
    /// <param name="unknownPiece">The piece of other words; it is the first special token where it is none of those given.</param>
    /// <param name="specialTokens">Special tokens, which get the first ids; null for none.</param>
    /// <param name="normalizer">The stage that rewrites texts first; null for none.</param>
    /// <param name="splitter">The stage that splits texts into words; null for \w+|[^\w\s]+.</param>
    /// <param name="threads">The most threads; null for all processors. The result does not depend on it.</param>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static Tokenizer Train(
        IEnumerable<string> texts, int vocabularySize = 30_000, long minimumFrequency = 1, string unknownPiece = "<unk>",
        IReadOnlyList<string>? specialTokens = null, Normalizer? normalizer = null, Splitter? splitter = null,
        int? threads = null)
    {
        List<string> pieces = [.. specialTokens ?? []];
        if (!pieces.Contains(unknownPiece))
            pieces.Insert(0, unknownPiece);
        SpecialTokenList.Validate(pieces);
        if (vocabularySize < pieces.Count)
            throw new ArgumentException($"train: the vocabulary must hold {pieces.Count} special tokens, but its size is {vocabularySize}");
        splitter ??= new WordSplitter();
        AddedToken[] special = SpecialTokenList.Number(pieces);
        HashSet<string> known = [.. pieces];
        foreach ((string word, long count) in WordCounts.Of(texts, normalizer, splitter, threads, default)
            .OrderByDescending(static word => word.Value))
        {
            if (pieces.Count == vocabularySize || count < minimumFrequency)
                break;
            if (known.Add(word))
                pieces.Add(word);
        }
        return new Tokenizer(new WordModel(new Vocabulary(pieces), unknownPiece), special, normalizer, splitter);
    }
}
