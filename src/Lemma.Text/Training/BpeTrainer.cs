using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>Trains a BPE tokenizer: merges the most frequent pair of neighbours until the vocabulary is full.</summary>
/// <remarks>Of equally frequent pairs the one with the smallest left id, then the smallest right id, is merged first, so that the
/// result depends on the text alone. Ids: special tokens, bytes (in the order of their characters in GPT-2's alphabet, or &lt;0x00&gt; to
/// &lt;0xFF&gt;), characters in the order of their code points, then the merges. Gage 1994; Sennrich, Haddow and Birch 2016.</remarks>
public static class BpeTrainer
{
    /// <summary>Trains on texts, which are read once; memory grows with their distinct words.</summary>
    /// <param name="texts">The texts; no word goes over the end of one.</param>
    /// <param name="options">Size, units, special tokens, stages; null for the defaults.</param>
    /// <param name="progress">Told the characters that are read, then the share of merges that are made.</param>
    /// <param name="cancellation">Ends the training with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The options contradict each other or the texts; the message says how.</exception>
    public static Tokenizer Train(
        IEnumerable<string> texts, BpeTrainerOptions? options = null, IProgress<TrainerProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new BpeTrainerOptions();
        options.Validate();
        Splitter words = options.Splitter ?? WordsOf(options.Units);
        BpeUnitTable units = new(WordCounts.Of(texts, options, words, progress, cancellation), options);
        PairRules rules = new(options.VocabularySize, options.MinimumFrequency, options.LongestPiece);
        List<(string, string)> merges = new PairLearner(units.Spell(), units.Pieces, rules).Run(progress, cancellation);
        return Build(new Vocabulary(units.Pieces.Texts), merges, words, options);
    }

    private static Splitter WordsOf(BpeUnits units) => units == BpeUnits.Bytes ? PatternSplitter.Of(WordPattern.Gpt2)
        : new SequenceSplitter([new MetaspaceSplitter(prepends: PrependScheme.Never), PatternSplitter.OfText("\n", SplitBehavior.Contiguous)]);

    private static Tokenizer Build(Vocabulary vocabulary, List<(string, string)> merges, Splitter words, BpeTrainerOptions options)
    {
        AddedToken[] special = options.NumberSpecialTokens();
        if (options.Units == BpeUnits.Bytes)
        {
            Splitter spelled = options.Splitter is null ? new ByteLevelSplitter()
                : new SequenceSplitter([words, new ByteLevelSplitter(splitWords: false)]);
            return new Tokenizer(new BpeModel(vocabulary, merges), special, options.Normalizer, spelled,
                new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: false), new ByteLevelDecoder());
        }
        bool fallsBack = options.Units == BpeUnits.CharactersOrBytes;
        BpeOptions model = new() { UnknownPiece = fallsBack ? null : options.UnknownPiece, ByteFallback = fallsBack };
        // The mark of a space may itself be bytes, where the texts had no space.
        ReplaceDecoder spaces = new("\u2581", " ");
        PieceDecoder decoder = options.Decoder
            ?? new SequenceDecoder(fallsBack ? [new ByteFallbackDecoder(), spaces, new FuseDecoder()] : [spaces, new FuseDecoder()]);
        return new Tokenizer(new BpeModel(vocabulary, merges, model), special, options.Normalizer, words, decoder: decoder);
    }
}
