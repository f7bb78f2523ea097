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
public sealed record WordPieceTrainerOptions
{
    /// <summary>The number of pieces, special tokens and characters included; fewer when the text has no more pairs.</summary>
    public int VocabularySize { get; init; } = 8192;

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

    /// <summary>Special tokens, which get the ids 0, 1, 2, ...; [UNK] must be one of them.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>The stage that rewrites texts first; null for none.</summary>
    public Normalizer? Normalizer { get; init; } = new BertNormalizer();

    /// <summary>The stage that splits texts into words.</summary>
    public Splitter Splitter { get; init; } = new BertSplitter();

    /// <summary>The most threads that count words; null for all processors. The result does not depend on it.</summary>
    public int? Threads { get; init; }

    /// <summary>Checks the options against each other.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message says which, and the values.</exception>
    public void Validate()
    {
        SpecialTokenList.Validate(SpecialTokens);
        if (!SpecialTokens.Contains("[UNK]"))
            throw new ArgumentException("train: the special tokens must have [UNK], but have not");
        if (VocabularySize <= SpecialTokens.Count)
            throw new ArgumentException(
                $"train: the vocabulary must hold more than the {SpecialTokens.Count} special tokens, but its size is {VocabularySize}");
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
        if (ContinuingPrefix.Length == 0)
            throw new ArgumentException("train: the prefix of pieces inside of words must not be empty");
        if (AlphabetSize < 1 || LongestPiece < 1 || Threads < 1)
            throw new ArgumentException("train: the size of the alphabet, the longest piece and the threads must be at least 1");
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
    /// <param name="progress">Told the share of pieces that are made, in 0 to 1.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    public static Tokenizer Train(
        IEnumerable<string> texts, WordPieceTrainerOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new WordPieceTrainerOptions();
        options.Validate();
        JoinTable table = new(
            WordCounts.Of(texts, options.Normalizer, options.Splitter, options.Threads, cancellation), options);
        table.Learn(progress, cancellation);
        return Build(table.Pieces, options);
    }

    private static Tokenizer Build(List<string> pieces, WordPieceTrainerOptions options)
    {
        Vocabulary vocabulary = new(pieces);
        int classifier = vocabulary.IdOf("[CLS]"), separator = vocabulary.IdOf("[SEP]");
        PostProcessor? frame = classifier >= 0 && separator >= 0
            ? new BertPostProcessor(("[SEP]", separator), ("[CLS]", classifier)) : null;
        return new Tokenizer(new WordPieceModel(vocabulary, continuingPrefix: options.ContinuingPrefix),
            SpecialTokenList.Number(options.SpecialTokens), options.Normalizer, options.Splitter, frame,
            new WordPieceDecoder(options.ContinuingPrefix));
    }
}
