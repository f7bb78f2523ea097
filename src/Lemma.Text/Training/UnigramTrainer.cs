using System.Runtime.InteropServices;
using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>What a unigram vocabulary is trained to.</summary>
public sealed record UnigramTrainerOptions
{
    /// <summary>The number of pieces, special tokens included; all characters are always pieces.</summary>
    public int VocabularySize { get; init; } = 8000;

    /// <summary>The most pieces to begin with.</summary>
    public int SeedSize { get; init; } = 1_000_000;

    /// <summary>The share of pieces that each pruning keeps, in 0 to 1.</summary>
    public double KeptShare { get; init; } = 0.75;

    /// <summary>Rounds of expectation and maximization between prunings.</summary>
    public int Rounds { get; init; } = 2;

    /// <summary>The most code units of a piece.</summary>
    public int LongestPiece { get; init; } = 16;

    /// <summary>The piece of unknown text, which is a special token.</summary>
    public string UnknownPiece { get; init; } = "<unk>";

    /// <summary>Special tokens, which get the ids 0, 1, 2, ...; they must have the unknown piece.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<unk>"];

    /// <summary>The stage that rewrites texts first; null for none.</summary>
    public Normalizer? Normalizer { get; init; } = new UnicodeFormNormalizer(UnicodeForm.Nfkc);

    /// <summary>The stage that splits texts; no piece goes over its cuts.</summary>
    public Splitter Splitter { get; init; } = new MetaspaceSplitter();

    /// <summary>The most threads; null for all processors. The result does not depend on it.</summary>
    public int? Threads { get; init; }

    /// <summary>Checks the options against each other.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message says which, and the values.</exception>
    public void Validate()
    {
        SpecialTokenList.Validate(SpecialTokens);
        if (!SpecialTokens.Contains(UnknownPiece))
            throw new ArgumentException($"train: the special tokens must have the unknown piece '{UnknownPiece}', but have not");
        if (VocabularySize <= SpecialTokens.Count)
            throw new ArgumentException(
                $"train: the vocabulary must hold more than the {SpecialTokens.Count} special tokens, but its size is {VocabularySize}");
        if (KeptShare is not (> 0 and < 1) || Rounds < 1 || LongestPiece < 1 || SeedSize < 1 || Threads < 1)
            throw new ArgumentException(
                "train: the kept share must be in 0 to 1, the rounds, the longest piece, the seeds and the threads at least 1");
    }
}

/// <summary>Learns a unigram vocabulary: from many frequent substrings, those go whose absence costs the least likelihood.</summary>
/// <remarks>Kudo 2018, "Subword regularization": expectation and maximization of the pieces' probabilities, then pruning, again and
/// again. The result depends on the words and their counts alone.</remarks>
public static class UnigramTrainer
{
    /// <summary>Trains on texts, which are read once; memory grows with their distinct words.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">Size, seeds, special tokens, stages; null for the defaults.</param>
    /// <param name="progress">Told the share of the pruning that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    public static Tokenizer Train(
        IEnumerable<string> texts, UnigramTrainerOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new UnigramTrainerOptions();
        options.Validate();
        KeyValuePair<string, long>[] words = WordCounts.Of(texts, options.Normalizer, options.Splitter, options.Threads, cancellation);
        if (words.Length == 0)
            throw new ArgumentException("train: a unigram vocabulary needs text, but there is none");
        UnigramPruning pruning = new(words, Characters(words), options);
        List<(string Piece, double Score)> pieces = pruning.Run(Seeds(words, options), progress, cancellation);
        List<(string, double)> all = [.. options.SpecialTokens.Select(static token => (token, 0.0)), .. pieces];
        int unknown = options.SpecialTokens.ToList().IndexOf(options.UnknownPiece);
        return new Tokenizer(
            new UnigramModel(all, unknown), SpecialTokenList.Number(options.SpecialTokens), options.Normalizer, options.Splitter,
            decoder: new MetaspaceDecoder());
    }

    private static HashSet<string> Characters(KeyValuePair<string, long>[] words)
    {
        HashSet<string> characters = new(StringComparer.Ordinal);
        foreach ((string word, _) in words)
            foreach (Rune rune in word.EnumerateRunes())
                characters.Add(rune.ToString());
        return characters;
    }

    /// <summary>Characters, and the substrings of words that occur twice or more, those of the greatest count times length first.</summary>
    private static List<(string Piece, double Score)> Seeds(KeyValuePair<string, long>[] words, UnigramTrainerOptions options)
    {
        Dictionary<string, long> counts = new(StringComparer.Ordinal);
        Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach ((string word, long count) in words)
            for (int start = 0; start < word.Length; start++)
                for (int end = start + 1; end <= word.Length && end - start <= options.LongestPiece; end++)
                    if (!char.IsLowSurrogate(word[start]) && !char.IsHighSurrogate(word[end - 1]))
                        CollectionsMarshal.GetValueRefOrAddDefault(lookup, word.AsSpan(start, end - start), out _) += count;
        HashSet<string> special = [.. options.SpecialTokens];
        bool IsCharacter(string piece) => piece.Length == (char.IsHighSurrogate(piece[0]) ? 2 : 1);
        (string Piece, double Weight)[] seeds = [.. counts.Where(seed => !special.Contains(seed.Key) && (seed.Value >= 2 || IsCharacter(seed.Key)))
            .OrderByDescending(seed => IsCharacter(seed.Key)).ThenByDescending(static seed => seed.Value * seed.Key.Length)
            .ThenBy(static seed => seed.Key, StringComparer.Ordinal).Take(Math.Max(options.SeedSize, 1))
            .Select(static seed => (seed.Key, (double)seed.Value * seed.Key.Length))];
        double total = Math.Log(seeds.Sum(static seed => seed.Weight));
        return [.. seeds.Select(seed => (seed.Piece, Math.Log(seed.Weight) - total))];
    }
}
