using Lemma.Text.Models;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>What a vocabulary of words is made of.</summary>
public sealed record WordTrainerOptions : TrainerOptions
{
    /// <summary>30,000 words of \w+|[^\w\s]+.</summary>
    public WordTrainerOptions() => (VocabularySize, Splitter) = (30_000, new WordSplitter());

    /// <summary>The least number of times that a word must occur; at least 1.</summary>
    public long MinimumFrequency { get; init; } = 1;

    /// <summary>The piece of other words; it is the first special token where it is none of those given.</summary>
    public string UnknownPiece { get; init; } = "<unk>";

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        ValidateSize();
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
    }

    internal override IReadOnlyList<string> AllSpecialTokens =>
        SpecialTokens.Contains(UnknownPiece) ? SpecialTokens : [UnknownPiece, .. SpecialTokens];
}

/// <summary>Makes a word-level tokenizer: one id for each of the most frequent words.</summary>
/// <remarks>Ids: special tokens, then words by falling count; of equal counts in ordinal order.</remarks>
public static class WordTrainer
{
    /// <summary>Counts the words of texts, which are read once; memory grows with the distinct words.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">Size, special tokens, stages; null for the defaults.</param>
    /// <param name="progress">Told the characters that are read.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static Tokenizer Train(
        IEnumerable<string> texts, WordTrainerOptions? options = null, IProgress<TrainerProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new WordTrainerOptions();
        options.Validate();
        List<string> pieces = [.. options.AllSpecialTokens];
        HashSet<string> known = [.. pieces];
        foreach ((string word, long count) in WordCounts.Of(texts, options, options.Splitter, progress, cancellation)
            .OrderByDescending(static word => word.Value))
        {
            if (pieces.Count == options.VocabularySize || count < options.MinimumFrequency)
                break;
            if (known.Add(word))
                pieces.Add(word);
        }
        progress?.Report(TrainerProgress.OfLearning(1));
        return new Tokenizer(new WordModel(new Vocabulary(pieces), options.UnknownPiece), options.NumberSpecialTokens(),
            options.Normalizer, options.Splitter);
    }
}
