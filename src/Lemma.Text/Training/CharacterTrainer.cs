using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;

namespace Lemma.Text.Training;

/// <summary>What a vocabulary of characters is made of.</summary>
public sealed record CharacterTrainerOptions : TrainerOptions
{
    /// <summary>All characters, no special tokens.</summary>
    public CharacterTrainerOptions() => VocabularySize = int.MaxValue;

    /// <summary>The least number of times that a character must occur; at least 1.</summary>
    public long MinimumFrequency { get; init; } = 1;

    /// <summary>The piece of other characters, the first special token where it is none of those given; null where they are left out, as
    /// by the peer's BPE without an unknown piece.</summary>
    public string? UnknownPiece { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        ValidateSize();
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
        if (Splitter is not null)
            throw new ArgumentException("train: characters are not split, but a splitter is given");
    }

    internal override IReadOnlyList<string> AllSpecialTokens =>
        UnknownPiece is null || SpecialTokens.Contains(UnknownPiece) ? SpecialTokens : [UnknownPiece, .. SpecialTokens];
}

/// <summary>Makes a character-level tokenizer: one id for each distinct character (Unicode scalar) of a text.</summary>
/// <remarks>Ids: special tokens, then the characters in ascending order of code point. Where the vocabulary does not hold all, it has the
/// most frequent, of equals those of the lowest code points. Saved as a BPE model without merges.</remarks>
public static class CharacterTrainer
{
    /// <summary>Counts the characters of texts, which are read once; lone surrogates count as U+FFFD.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">Size, special tokens, normalizer; null for the defaults.</param>
    /// <param name="progress">Told the characters that are read.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The texts are empty, or the options contradict each other.</exception>
    public static Tokenizer Train(
        IEnumerable<string> texts, CharacterTrainerOptions? options = null, IProgress<TrainerProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new CharacterTrainerOptions();
        options.Validate();
        long[] counts = Count(texts, options, progress, cancellation);
        List<string> pieces = [.. options.AllSpecialTokens];
        int room = options.VocabularySize - pieces.Count;
        pieces.AddRange(Enumerable.Range(0, counts.Length).Where(scalar => counts[scalar] >= options.MinimumFrequency)
            .OrderByDescending(scalar => counts[scalar]).Take(room).Order().Select(static scalar => new Rune(scalar).ToString()));
        if (pieces.Count == options.AllSpecialTokens.Count)
            throw new ArgumentException("train: a character-level vocabulary needs text, but there is none");
        progress?.Report(TrainerProgress.OfLearning(1));
        BpeModel model = new(new Vocabulary(pieces), [], new BpeOptions { UnknownPiece = options.UnknownPiece });
        return new Tokenizer(model, options.NumberSpecialTokens(), options.Normalizer, decoder: new FuseDecoder());
    }

    private static long[] Count(
        IEnumerable<string> texts, CharacterTrainerOptions options, IProgress<TrainerProgress>? progress, CancellationToken cancellation)
    {
        long[] all = new long[0x110000];
        AddedTokenFinder specialTokens = new(options.NumberSpecialTokens());
        TextReading.Run(texts, isLocal: false, options.Threads, progress, static () => (Text: new AlignedText(), Counts: new long[0x110000]),
            (own, text) => TextReading.Between(specialTokens, text.Span, (part, _) =>
            {
                own.Text.Fill(part);
                options.Normalizer?.Apply(own.Text);
                foreach (Rune rune in own.Text.Text.EnumerateRunes())
                    own.Counts[rune.Value]++;
            }),
            own =>
            {
                for (int scalar = 0; scalar < all.Length; scalar++)
                    all[scalar] += own.Counts[scalar];
            }, cancellation);
        return all;
    }
}
