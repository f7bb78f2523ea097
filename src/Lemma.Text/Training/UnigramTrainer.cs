using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>What a unigram vocabulary is trained to.</summary>
/// <remarks>All characters are always pieces; a vocabulary that does not hold them is refused.</remarks>
public sealed record UnigramTrainerOptions : TrainerOptions
{
    /// <summary>8,000 pieces of words that begin with the mark of a space, in NFKC, and the unknown piece.</summary>
    public UnigramTrainerOptions()
    {
        (VocabularySize, SpecialTokens) = (8000, [UnknownPiece]);
        (Normalizer, Splitter) = (new UnicodeFormNormalizer(UnicodeForm.Nfkc), new MetaspaceSplitter());
    }

    /// <summary>The most pieces to begin with.</summary>
    public int SeedSize { get; init; } = 1_000_000;

    /// <summary>The share of pieces that each pruning keeps, in 0 to 1; Kudo 2018 prunes 10 to 20 %.</summary>
    public double KeptShare { get; init; } = 0.8;

    /// <summary>Rounds of expectation and maximization between prunings.</summary>
    public int Rounds { get; init; } = 2;

    /// <summary>The most code units of a piece.</summary>
    public int LongestPiece { get; init; } = 16;

    /// <summary>The piece of unknown text; it must be one of the special tokens.</summary>
    public string UnknownPiece { get; init; } = "<unk>";

    /// <summary>What makes text of pieces; null for the one that goes with the mark of a space.</summary>
    public PieceDecoder? Decoder { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        if (!SpecialTokens.Contains(UnknownPiece))
            throw new ArgumentException($"train: the special tokens must have the unknown piece '{UnknownPiece}', but have not");
        ValidateSize();
        if (KeptShare is not (> 0 and < 1) || Rounds < 1 || LongestPiece < 1 || SeedSize < 1)
            throw new ArgumentException("train: the kept share must be in 0 to 1, the rounds, the longest piece and the seeds at least 1, "
                + $"but are {KeptShare}, {Rounds}, {LongestPiece} and {SeedSize}");
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
    /// <param name="progress">Told the characters that are read, then the share of the pruning that is done.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The texts are empty, or the options contradict each other; the message says how.</exception>
    public static Tokenizer Train(
        IEnumerable<string> texts, UnigramTrainerOptions? options = null, IProgress<TrainerProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new UnigramTrainerOptions();
        options.Validate();
        KeyValuePair<string, long>[] words = WordCounts.Of(texts, options, options.Splitter, progress, cancellation);
        if (words.Length == 0)
            throw new ArgumentException("train: a unigram vocabulary needs text, but there is none");
        WordTexts wordTexts = new(words);
        PieceLattice lattice = new(wordTexts, new SeedPieces(wordTexts, options.LongestPiece, options.SeedSize, options.SpecialTokens));
        int characters = lattice.IsRequired.Count(static required => required), least = options.SpecialTokens.Count + characters;
        if (options.VocabularySize < least)
            throw new ArgumentException($"train: the vocabulary must hold {options.SpecialTokens.Count} special tokens and {characters} "
                + $"characters, at least {least} pieces, but its size is {options.VocabularySize}");
        List<(string Piece, double Score)> pieces = new UnigramPruning(lattice, options).Run(progress, cancellation);
        List<(string, double)> all = [.. options.SpecialTokens.Select(static token => (token, 0.0)), .. pieces];
        int unknown = options.SpecialTokens.ToList().IndexOf(options.UnknownPiece);
        return new Tokenizer(
            new UnigramModel(all, unknown), options.NumberSpecialTokens(), options.Normalizer, options.Splitter,
            decoder: options.Decoder ?? new MetaspaceDecoder());
    }
}
