using System.Collections.Concurrent;
using Lemma.Text.Decoding;
using Lemma.Text.Files;
using Lemma.Text.Models;
using Lemma.Text.Models.ByteLevel;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;
using Lemma.Text.Templates;

namespace Lemma.Text;

/// <summary>Text to ids and back: added tokens, normalizer, splitter, model and post-processor one way, decoder the other.</summary>
/// <remarks>Immutable and thread-safe. Lone surrogates in a text, which no UTF-8 can hold, are read as U+FFFD.</remarks>
public sealed partial class Tokenizer
{
    private readonly AddedTokenFinder rawFinder, normalizedFinder, anyFinder;
    private readonly bool needsOrigins;
    private readonly ByteLevelPath? byteLevelPath;
    private readonly WordPiecePath? wordPiecePath;
    private readonly Dictionary<string, AddedToken> addedByContent;
    private readonly Dictionary<int, AddedToken> addedById;
    private readonly ConcurrentBag<EncodingRun> idleRuns = [];
    private readonly ConcurrentBag<List<int>> idleIds = [];

    /// <summary>A tokenizer of its stages; only the model is required.</summary>
    /// <exception cref="ArgumentException">Added tokens contradict each other or the vocabulary.</exception>
    public Tokenizer(
        TokenModel model, IReadOnlyList<AddedToken>? addedTokens = null, Normalizer? normalizer = null, Splitter? splitter = null,
        PostProcessor? postProcessor = null, PieceDecoder? decoder = null, TruncationOptions? truncation = null,
        PaddingOptions? padding = null)
    {
        (Model, Normalizer, Splitter, PostProcessor, Decoder) = (model, normalizer, splitter, postProcessor, decoder);
        (Truncation, Padding) = (truncation, padding);
        AddedTokens = addedTokens ?? [];
        addedByContent = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        addedById = [];
        VocabularySize = model.Vocabulary.Size;
        foreach (AddedToken token in AddedTokens)
            Add(token);
        List<AddedToken> raw = [], normalized = [], found = [];
        foreach (AddedToken token in AddedTokens)
            if (!token.IsHidden)
            {
                (token.IsNormalized ? normalized : raw).Add(token);
                found.Add(token);
            }
        rawFinder = new AddedTokenFinder(raw);
        normalizedFinder = new AddedTokenFinder(normalized, normalizer);
        anyFinder = new AddedTokenFinder(found);
        // Whether a text starts the original one is only known where a normalizer takes nothing away.
        needsOrigins = normalizer is not null && HasFirstMark(splitter);
        // Without a normalizer one search finds raw and normalized tokens, unless a raw one could hide inside another.
        byteLevelPath = normalizer is null && (raw.Count == 0 || normalized.Count == 0) ? ByteLevelPath.TryMake(model, splitter) : null;
        wordPiecePath = normalized.Count > 0 ? null : WordPiecePath.TryMake(model, normalizer, splitter);
    }

    /// <summary>The stage that turns pieces into ids.</summary>
    public TokenModel Model { get; }

    /// <summary>The tokens that are found before the text is split.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>The added tokens that are special: decoding skips them.</summary>
    public IEnumerable<AddedToken> SpecialTokens => AddedTokens.Where(static token => token.IsSpecial);

    /// <summary>The stage that rewrites the text first; null for none.</summary>
    public Normalizer? Normalizer { get; }

    /// <summary>The stage that cuts the text into pieces; null when the model takes it whole.</summary>
    public Splitter? Splitter { get; }

    /// <summary>The stage that puts special tokens around ids; null for none.</summary>
    public PostProcessor? PostProcessor { get; }

    /// <summary>The stage that turns pieces back into text; null when pieces are joined by spaces.</summary>
    public PieceDecoder? Decoder { get; }

    /// <summary>How texts that are too long are cut; null for not at all.</summary>
    public TruncationOptions? Truncation { get; }

    /// <summary>How texts that are too short are filled up; null for not at all.</summary>
    public PaddingOptions? Padding { get; }

    /// <summary>One more than the largest id: the rows that an embedding needs.</summary>
    public int VocabularySize { get; private set; }

    /// <summary>Reads a tokenizer.json, a SentencePiece model, tiktoken ranks, tekken.json, vocab.txt, vocab.json with or without
    /// merges.txt, RWKV's vocabulary, that of a GGUF, llama2.c's tokenizer.bin, or the first of them in a folder.</summary>
    /// <exception cref="InvalidDataException">The file is malformed, inconsistent, or names a component that is not known.</exception>
    public static Tokenizer Load(string path) => TokenizerFiles.Read(path);

    /// <summary>Reads a tiktoken rank file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pattern">The pattern that splits texts; null for the one that vocabularies of this size have.</param>
    /// <param name="specialTokens">The special tokens; null for those of tokenizer_config.json beside it, and what else vocabularies of this size have.</param>
    /// <exception cref="InvalidDataException">A line is broken, a byte is missing, or the pattern is not known.</exception>
    public static Tokenizer LoadTiktoken(string path, WordPattern? pattern = null, IReadOnlyList<AddedToken>? specialTokens = null) =>
        TiktokenFile.Read(path, pattern is WordPattern known ? PatternSplitter.Of(known) : null, specialTokens);

    /// <summary>Reads a tiktoken rank file whose texts are split by any pattern.</summary>
    /// <param name="path">The file.</param>
    /// <param name="words">The regular expression of words, in the dialect of tokenizer files.</param>
    /// <param name="specialTokens">The special tokens; null for those of tokenizer_config.json beside it, and what else vocabularies of this size have.</param>
    /// <exception cref="ArgumentException">The expression is not valid.</exception>
    /// <exception cref="InvalidDataException">A line is broken, or a byte is missing.</exception>
    public static Tokenizer LoadTiktoken(string path, string words, IReadOnlyList<AddedToken>? specialTokens = null) =>
        TiktokenFile.Read(path, PatternSplitter.OfRegex(words), specialTokens);

    /// <summary>Writes a tokenizer.json for this and other readers: to a temporary file, flushed to disk, then renamed.</summary>
    public void Save(string path) => TokenizerFile.Write(path, this);

    /// <summary>Writes the bytes of its tokenizer.json.</summary>
    public void Save(Stream stream) => TokenizerFile.Write(stream, this);

    /// <summary>What a GGUF file says of this tokenizer, by the names of its values; it is checked to give the same ids there.</summary>
    /// <param name="count">How many ids the model has, at least <see cref="VocabularySize"/>.</param>
    /// <param name="begin">The id that begins a text, or null.</param>
    /// <param name="ends">The ids that end a text or a turn, the first the text's.</param>
    /// <param name="template">The model's chat template, or null.</param>
    /// <exception cref="NotSupportedException">The format has no kind of tokenizer that gives the same ids.</exception>
    public IReadOnlyList<KeyValuePair<string, object>> ToGguf(int count, int? begin, IReadOnlyList<int> ends, ChatTemplate? template = null) =>
        GgufVocabularyWriter.Of(this, count, begin, ends, template);

    /// <summary>The id of a piece as it is spelled in the vocabulary, or null.</summary>
    public int? IdOf(string piece)
    {
        if (addedByContent.TryGetValue(piece, out AddedToken? token))
            return token.Id;
        int id = Model.Vocabulary.IdOf(piece);
        return id >= 0 ? id : null;
    }

    /// <summary>The piece of an id as it is spelled in the vocabulary.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no such id.</exception>
    public string PieceOf(int id) => PieceOrNull(id) ?? throw new ArgumentOutOfRangeException(
        nameof(id), $"decode: an id must be one of the {VocabularySize} of the vocabulary, but is {id}");

    /// <summary>Whether an id is a special token.</summary>
    public bool IsSpecial(int id) => addedById.TryGetValue(id, out AddedToken? token) && token.IsSpecial;

    /// <summary>The piece of an id as it is spelled in the vocabulary, or null where it has none.</summary>
    public string? PieceOrNull(int id) =>
        addedById.TryGetValue(id, out AddedToken? token) ? token.Content : Model.Vocabulary.PieceOf(id);

    private static bool HasFirstMark(Splitter? splitter) => splitter is MetaspaceSplitter { Prepends: PrependScheme.First }
        || (splitter is SequenceSplitter sequence && sequence.Splitters.Any(HasFirstMark));

    private void Add(AddedToken token)
    {
        if (token.Content.Length == 0)
            throw new ArgumentException($"added token: the token of the id {token.Id} must have text, but is empty");
        int most = Vocabulary.MostIds(Model.Vocabulary.Count + AddedTokens.Count);
        if (token.Id < 0 || token.Id > most)
            throw new ArgumentException($"added token: the id of '{token.Content}' must be in 0 to {most}, but is {token.Id}");
        int known = Model.Vocabulary.IdOf(token.Content);
        if (known >= 0 && known != token.Id)
            throw new ArgumentException($"added token: '{token.Content}' has the id {token.Id}, but {known} in the vocabulary");
        if (Model.Vocabulary.PieceOf(token.Id) is string piece && piece != token.Content)
            throw new ArgumentException($"added token: the id {token.Id} of '{token.Content}' is that of the piece '{piece}'");
        if (!addedByContent.TryAdd(token.Content, token))
            throw new ArgumentException($"added token: '{token.Content}' occurs twice");
        if (!addedById.TryAdd(token.Id, token))
            throw new ArgumentException($"added token: the id {token.Id} occurs twice, the second time for '{token.Content}'");
        VocabularySize = Math.Max(VocabularySize, token.Id + 1);
    }
}
