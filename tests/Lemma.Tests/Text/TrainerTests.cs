using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>What holds for every trainer.</summary>
public sealed class TrainerTests
{
    private static readonly string LongText = string.Join(' ', Enumerable.Range(0, 40_000).Select(i => $"Wört{i % 977}é, x{i % 31}\nline"));

    public static TheoryData<string> All => ["byte-bpe", "bpe", "wordpiece", "likelihood", "unigram", "word", "char"];

    [Theory]
    [MemberData(nameof(All))]
    public void Threads_order_and_the_cut_of_texts_change_nothing(string trainer)
    {
        // Cut at spaces, as the trainer does with long texts; a space goes with the word behind it.
        string[] parts = [.. LongText.Split(' ').Chunk(500).Select((words, i) => (i > 0 ? " " : "") + string.Join(' ', words))];
        string[] whole = Pieces(Train(trainer, [LongText], 1));
        Assert.True(whole.Length > 15);
        Assert.Equal(whole, Pieces(Train(trainer, [LongText], 3)));
        Assert.Equal(whole, Pieces(Train(trainer, parts.Reverse(), 2)));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Progress_goes_over_the_texts_to_one(string trainer)
    {
        List<TrainerProgress> told = [];
        Train(trainer, Enumerable.Repeat(LongText, 5), 2, new Collect(told));
        Assert.Equal(told.Select(value => value.Characters).Where(characters => characters > 0).Order(), told.Select(value =>
            value.Characters).TakeWhile(characters => characters > 0));
        Assert.InRange(told.Max(value => value.Characters), 1 << 20, 5L * LongText.Length);
        Assert.All(told.SkipWhile(value => value.Learned == 0), value => Assert.InRange(value.Learned, 0, 1));
        Assert.Equal(new TrainerProgress(0, 1), told[^1]);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Errors_of_texts_and_cancellation_end_it(string trainer)
    {
        static IEnumerable<string> Broken()
        {
            yield return "a";
            throw new InvalidDataException("no more");
        }
        Assert.Equal("no more", Assert.Throws<InvalidDataException>(() => Train(trainer, Broken(), 2)).Message);
        Assert.ThrowsAny<OperationCanceledException>(() => Train(trainer, ["a"], 2, cancellation: new CancellationToken(true)));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_normalizer_of_the_caller_is_trained_with_and_saved(string trainer)
    {
        Normalizer normalizer = new SequenceNormalizer([new UnicodeFormNormalizer(UnicodeForm.Nfkc), new LowercaseNormalizer()]);
        Tokenizer tokenizer = Train(trainer, ["ＴＨＥ Cat the cat THE CAT"], 1, normalizer: normalizer);
        Assert.DoesNotContain(Pieces(tokenizer).Where(piece => piece[0] is not ('[' or '<')), piece => piece.Any(c => c is >= 'A' and <= 'Z' or 'Ｔ')
            && trainer != "byte-bpe");
        Assert.Equal(tokenizer.Encode("the cat"), tokenizer.Encode("ＴHE Cat"));
        Assert.Equal(tokenizer.Encode("the cat"), TokenizerFileTests.SaveAndLoad(tokenizer).Encode("ＴHE Cat"));
    }

    [Theory]
    [InlineData(WordPattern.Cl100k)]
    [InlineData(WordPattern.O200k)]
    public void Bytes_have_the_words_of_the_caller(WordPattern pattern)
    {
        BpeTrainerOptions options = new() { VocabularySize = 400, Splitter = PatternSplitter.Of(pattern) };
        Tokenizer tokenizer = BpeTrainer.Train(Enumerable.Repeat("in 123456 and 123456 they'll say: 'tis 猫", 9), options);
        Assert.Contains("123", Pieces(tokenizer));
        Assert.DoesNotContain("1234", Pieces(tokenizer));
        Assert.Contains("1234", string.Join(' ', Pieces(BpeTrainer.Train(Enumerable.Repeat("in 123456", 9), options with { Splitter = null }))));
        const string Text = "they'll in 1234567, ünd 猫\r\n\r\n x";
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text)));
        Assert.Equal(tokenizer.Encode(Text), TokenizerFileTests.SaveAndLoad(tokenizer).Encode(Text));
    }

    [Fact]
    public void Characters_have_the_words_of_the_caller()
    {
        BpeTrainerOptions options = new() { VocabularySize = 40, Units = BpeUnits.Characters, Splitter = new FixedLengthSplitter(2) };
        Assert.All(Pieces(BpeTrainer.Train(["abcabcabcabc"], options)).Where(piece => piece[0] != '<'), piece => Assert.InRange(piece.Length, 1, 2));
    }

    [Fact]
    public void Of_too_many_characters_the_most_frequent_stay_and_others_are_unknown()
    {
        CharacterTrainerOptions options = new() { VocabularySize = 3, UnknownPiece = "<unk>" };
        Tokenizer tokenizer = CharacterTrainer.Train(["ccabba"], options);
        Assert.Equal(["<unk>", "a", "b"], Pieces(tokenizer));
        Assert.Equal([0, 1, 2], TokenizerFileTests.SaveAndLoad(tokenizer).Encode("zab"));
        Assert.Equal(["a", "b", "c"], Pieces(CharacterTrainer.Train(["ccabbad"], new CharacterTrainerOptions { MinimumFrequency = 2 })));
    }

    [Fact]
    public void Options_that_contradict_each_other_are_an_error()
    {
        Assert.Equal("train: the threads must be at least 1, but are 0",
            Assert.Throws<ArgumentException>(() => Train("word", ["a"], 0)).Message);
        Assert.Equal("train: characters are not split, but a splitter is given", Assert.Throws<ArgumentException>(() =>
            CharacterTrainer.Train(["a"], new CharacterTrainerOptions { Splitter = new WordSplitter() })).Message);
        Assert.Equal("train: the vocabulary must hold more than the 1 special tokens, but its size is 1", Assert.Throws<ArgumentException>(() =>
            WordTrainer.Train(["a"], new WordTrainerOptions { VocabularySize = 1 })).Message);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Special_tokens_in_the_texts_teach_nothing(string trainer)
    {
        const string Token = "<|end|>";
        TrainerOptions options = Options(trainer) with { SpecialTokens = [.. Options(trainer).SpecialTokens, Token] };
        string[] apart = ["the cat sat ", "on the mat", "the cat sat ", "on the mat"];
        Tokenizer learned = Train(options, [apart[0] + Token + apart[1] + Token + Token, Token + apart[2] + Token + apart[3]]);
        Assert.Equal(Pieces(Train(options, apart)), Pieces(learned));
        Assert.Single(learned.Encode(Token, addSpecialTokens: false));
    }

    [Theory]
    [InlineData("unigram", 5, "at least ")]
    [InlineData("wordpiece", 8, "at least ")]
    [InlineData("bpe", 5, "limit the alphabet")]
    [InlineData("byte-bpe", 5, "256 bytes")]
    public void A_vocabulary_that_does_not_hold_its_characters_is_refused(string trainer, int size, string says)
    {
        TrainerOptions options = Options(trainer) with { VocabularySize = size };
        string message = Assert.Throws<ArgumentException>(() => Train(options, ["a quick brown fox"])).Message;
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.Contains($"but its size is {size}", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_unigram_vocabulary_of_the_least_size_is_made()
    {
        string message = Assert.Throws<ArgumentException>(() => Train(Options("unigram") with { VocabularySize = 5 }, ["abc abd"])).Message;
        Assert.Equal("train: the vocabulary must hold 1 special tokens and 5 characters, at least 6 pieces, but its size is 5", message);
        Assert.Equal(6, Train(Options("unigram") with { VocabularySize = 6 }, ["abc abd"]).VocabularySize);
    }

    private static string[] Pieces(Tokenizer tokenizer)
    {
        Vocabulary vocabulary = tokenizer.Model.Vocabulary;
        return [.. Enumerable.Range(0, vocabulary.Size).Select(id => vocabulary.PieceOf(id)!)];
    }

    private static Tokenizer Train(
        string trainer, IEnumerable<string> texts, int threads, IProgress<TrainerProgress>? progress = null,
        Normalizer? normalizer = null, CancellationToken cancellation = default)
    {
        TrainerOptions options = Options(trainer);
        return Train(options with { Threads = threads, Normalizer = normalizer ?? options.Normalizer }, texts, progress, cancellation);
    }

    private static TrainerOptions Options(string trainer) => trainer switch
    {
        "byte-bpe" => new BpeTrainerOptions { VocabularySize = 400 },
        "bpe" => new BpeTrainerOptions { VocabularySize = 400, Units = BpeUnits.Characters },
        "wordpiece" => new WordPieceTrainerOptions { VocabularySize = 400, Score = WordPieceScore.Frequency },
        "likelihood" => new WordPieceTrainerOptions { VocabularySize = 400 },
        "unigram" => new UnigramTrainerOptions { VocabularySize = 400 },
        "word" => new WordTrainerOptions { VocabularySize = 400 },
        _ => new CharacterTrainerOptions(),
    };

    private static Tokenizer Train(
        TrainerOptions options, IEnumerable<string> texts, IProgress<TrainerProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        return options switch
        {
            BpeTrainerOptions bpe => BpeTrainer.Train(texts, bpe, progress, cancellation),
            WordPieceTrainerOptions wordPiece => WordPieceTrainer.Train(texts, wordPiece, progress, cancellation),
            UnigramTrainerOptions unigram => UnigramTrainer.Train(texts, unigram, progress, cancellation),
            WordTrainerOptions words => WordTrainer.Train(texts, words, progress, cancellation),
            CharacterTrainerOptions characters => CharacterTrainer.Train(texts, characters, progress, cancellation),
            _ => throw new ArgumentException(options.ToString()),
        };
    }

    private sealed class Collect(List<TrainerProgress> told) : IProgress<TrainerProgress>
    {
        public void Report(TrainerProgress value) => told.Add(value);
    }
}
