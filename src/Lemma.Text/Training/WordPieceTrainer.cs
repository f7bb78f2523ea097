using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>By what WordPiece chooses the next pair to join.</summary>
public enum WordPieceScore
{
    /// <summary>count(ab) / (count(a) · count(b)): the pair that raises the likelihood of the text most.</summary>
    Likelihood,

    /// <summary>count(ab): the most frequent pair, as in byte-pair encoding and in Hugging Face's trainer.</summary>
    Frequency,
}

/// <summary>What a WordPiece vocabulary is trained to.</summary>
public sealed record WordPieceTrainerOptions : TrainerOptions
{
    /// <summary>8,192 pieces of BERT's words in lower case, and BERT's special tokens.</summary>
    public WordPieceTrainerOptions()
    {
        (VocabularySize, SpecialTokens) = (8192, ["[PAD]", UnknownPiece, "[CLS]", "[SEP]", "[MASK]"]);
        (Normalizer, Splitter) = (new BertNormalizer(), new BertSplitter());
    }

    /// <summary>The least number of times that a pair must occur to be joined; at least 1.</summary>
    public long MinimumFrequency { get; init; } = 2;

    /// <summary>By what the next pair is chosen.</summary>
    public WordPieceScore Score { get; init; }

    /// <summary>The most distinct characters, the most frequent first; null for all.</summary>
    public int? AlphabetSize { get; init; }

    /// <summary>The most characters of a piece, the prefix aside; null for any.</summary>
    public int? LongestPiece { get; init; }

    /// <summary>What pieces inside of words start with; not empty.</summary>
    public string ContinuingPrefix { get; init; } = "##";

    /// <summary>The piece of unknown words; it must be one of the special tokens.</summary>
    internal const string UnknownPiece = "[UNK]";

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        if (!SpecialTokens.Contains(UnknownPiece))
            throw new ArgumentException($"train: the special tokens must have {UnknownPiece}, but have not");
        ValidateSize();
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
        if (ContinuingPrefix.Length == 0)
            throw new ArgumentException("train: the prefix of pieces inside of words must not be empty");
        if (AlphabetSize < 1 || LongestPiece < 1)
            throw new ArgumentException("train: the size of the alphabet and the longest piece must be at least 1");
    }
}

/// <summary>Learns a WordPiece vocabulary: starts from characters and joins the pair of the highest score, again and again.</summary>
/// <remarks>Ids: special tokens, characters in the order of their code points, these again with the prefix, joined pieces in the order in
/// which they were learned. Of equal scores the more frequent pair comes first, then the one with the lower left id, then the lower right
/// id. Schuster and Nakajima 2012.</remarks>
public static class WordPieceTrainer
{
    /// <summary>Trains on texts, which are read once; memory grows with their distinct words.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">Size, score, special tokens, stages; null for the defaults.</param>
    /// <param name="progress">Told the characters that are read, then the share of pieces that are made.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The options contradict each other; the message says how.</exception>
    public static Tokenizer Train(
        IEnumerable<string> texts, WordPieceTrainerOptions? options = null, IProgress<TrainerProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new WordPieceTrainerOptions();
        options.Validate();
        KeyValuePair<string, long>[] words = WordCounts.Of(texts, options, options.Splitter, progress, cancellation);
        PieceList pieces = new();
        PairRules rules = new(
            options.VocabularySize, options.MinimumFrequency, options.LongestPiece, options.Score, options.ContinuingPrefix);
        new PairLearner(Spell(words, pieces, options), pieces, rules).Run(progress, cancellation);
        return Build(pieces.Texts, options);
    }

    /// <summary>Special tokens and characters as pieces, and the words as rows of them.</summary>
    /// <remarks>A word with a character outside the alphabet is unknown as a whole, so it teaches nothing.</remarks>
    private static PairTable Spell(KeyValuePair<string, long>[] words, PieceList pieces, WordPieceTrainerOptions options)
    {
        foreach (string token in options.SpecialTokens)
            pieces.IdOf(token, 0);
        Rune[] characters = WordCounts.CommonCharacters(words, options.AlphabetSize);
        Dictionary<int, int> first = [], continuing = [];
        foreach (Rune character in characters)
            first[character.Value] = pieces.IdOf(character.ToString(), 1);
        foreach (Rune character in characters)
            continuing[character.Value] = pieces.IdOf(options.ContinuingPrefix + character, 1);
        if (pieces.Count > options.VocabularySize)
            throw new ArgumentException($"train: the vocabulary must hold {options.SpecialTokens.Count} special tokens and "
                + $"{characters.Length} characters with and without '{options.ContinuingPrefix}', at least {pieces.Count} pieces, "
                + $"but its size is {options.VocabularySize}: limit the alphabet");
        List<int[]> rows = new(words.Length);
        List<long> counts = new(words.Length);
        List<int> row = [];
        foreach ((string word, long count) in words)
        {
            row.Clear();
            int length = 0;
            foreach (Rune rune in word.EnumerateRunes())
            {
                length++;
                if ((length == 1 ? first : continuing).TryGetValue(rune.Value, out int id))
                    row.Add(id);
            }
            if (row.Count < length)
                continue;
            rows.Add([.. row]);
            counts.Add(count);
        }
        return new PairTable([.. rows], [.. counts], knowsSlotsOfIds: options.Score == WordPieceScore.Likelihood);
    }

    private static Tokenizer Build(List<string> pieces, WordPieceTrainerOptions options)
    {
        Vocabulary vocabulary = new(pieces);
        int classifier = vocabulary.IdOf("[CLS]"), separator = vocabulary.IdOf("[SEP]");
        PostProcessor? frame = classifier >= 0 && separator >= 0
            ? new BertPostProcessor(("[SEP]", separator), ("[CLS]", classifier)) : null;
        return new Tokenizer(new WordPieceModel(vocabulary, continuingPrefix: options.ContinuingPrefix),
            options.NumberSpecialTokens(), options.Normalizer, options.Splitter, frame,
            new WordPieceDecoder(options.ContinuingPrefix));
    }
}
