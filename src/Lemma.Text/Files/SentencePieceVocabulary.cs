using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;

namespace Lemma.Text.Files;

/// <summary>The kinds of SentencePiece's pieces, with their numbers in files.</summary>
internal enum PieceKind
{
    /// <summary>Made by encoding.</summary>
    Normal = 1,

    /// <summary>Stands for what has no piece.</summary>
    Unknown = 2,

    /// <summary>Has no text: the start and the end.</summary>
    Control = 3,

    /// <summary>Found in the text before all else.</summary>
    UserDefined = 4,

    /// <summary>In the file, never made.</summary>
    Unused = 5,

    /// <summary>One byte.</summary>
    Byte = 6,
}

/// <summary>How SentencePiece cuts, with the numbers in files.</summary>
internal enum SentencePieceAlgorithm
{
    /// <summary>The most likely pieces.</summary>
    Unigram = 1,

    /// <summary>Merges.</summary>
    Bpe = 2,

    /// <summary>Whole words.</summary>
    Word = 3,

    /// <summary>Single characters.</summary>
    Character = 4,
}

/// <summary>What a SentencePiece model says, whichever file it comes from, and the tokenizer of it.</summary>
internal sealed class SentencePieceVocabulary
{
    private const string Mark = "\u2581";

    public List<(string Piece, double Score, PieceKind Kind)> Pieces { get; } = [];

    public SentencePieceAlgorithm Algorithm { get; set; } = SentencePieceAlgorithm.Unigram;

    public bool ByteFallback { get; set; }

    public bool AddsSpace { get; set; } = true;

    public bool RemovesSpaces { get; set; } = true;

    public bool MarksSpaces { get; set; } = true;

    public bool MarkIsSuffix { get; set; }

    public byte[] CharacterMap { get; set; } = [];

    /// <summary>The tokenizer: encoding adds what the post-processor says, without one no start or end.</summary>
    public Tokenizer Build(PostProcessor? postProcessor = null)
    {
        if (MarkIsSuffix && Algorithm == SentencePieceAlgorithm.Word)
            throw new InvalidDataException("the mark of a space must stand before words in a model of words, but it stands after them");
        int unknown = Pieces.FindIndex(static piece => piece.Kind == PieceKind.Unknown);
        // A word that the user defined is found as a whole word only.
        bool isWord = Algorithm == SentencePieceAlgorithm.Word;
        AddedToken[] added = [.. Pieces.Index()
            .Where(piece => piece.Item.Kind == PieceKind.Control || (piece.Item.Kind == PieceKind.UserDefined && !isWord))
            .Where(static piece => piece.Item.Piece.Length > 0)
            .Select(static piece => new AddedToken(piece.Index, piece.Item.Piece)
            {
                IsSpecial = piece.Item.Kind == PieceKind.Control,
                IsNormalized = piece.Item.Kind == PieceKind.UserDefined,
                IsHidden = piece.Item.Kind == PieceKind.Control,
            })];
        return new Tokenizer(Model(unknown), added, new SentencePieceNormalizer(
            CharacterMap, AddsSpace, RemovesSpaces, MarksSpaces, MarkIsSuffix), postProcessor: postProcessor, decoder: Decoder(unknown));
    }

    private TokenModel Model(int unknown) => Algorithm switch
    {
        SentencePieceAlgorithm.Unigram => Unigram(unknown),
        SentencePieceAlgorithm.Word => Words(unknown),
        _ => Bpe(unknown),
    };

    private MarkedWordModel Words(int unknown)
    {
        if (ByteFallback)
            throw new InvalidDataException("a model of words must have no byte fallback, but has it");
        return new MarkedWordModel(new Vocabulary([.. Pieces.Select(static piece => piece.Piece)]), Mark[0], unknown);
    }

    private UnigramModel Unigram(int unknown)
    {
        HashSet<int> unusable = [.. Pieces.Index().Where(static piece => piece.Item.Kind != PieceKind.Normal
            && piece.Item.Kind != PieceKind.UserDefined).Select(static piece => piece.Index)];
        return new UnigramModel(
            [.. Pieces.Select(static piece => (piece.Piece, piece.Score))], unknown >= 0 ? unknown : null, ByteFallback, unusable, isSinglePrecision: true);
    }

    /// <summary>Any two pieces that join to a third are a merge; the higher the third's score, the earlier.</summary>
    private BpeModel Bpe(int unknown)
    {
        Vocabulary vocabulary = new([.. Pieces.Select(static piece => piece.Piece)]);
        MergeList merges = new(vocabulary);
        foreach (int id in Algorithm == SentencePieceAlgorithm.Character ? [] : ByScore())
            if (Pieces[id].Kind == PieceKind.Normal)
                merges.AddSplits(id, IsNormal);
        return new BpeModel(vocabulary, merges, new BpeOptions
        {
            UnknownPiece = unknown >= 0 ? Pieces[unknown].Piece : null,
            FuseUnknown = true,
            ByteFallback = ByteFallback,
            SharesRanks = true,
        });
    }

    /// <summary>The ids, those with the highest score first, of equals the lower id.</summary>
    private int[] ByScore()
    {
        double[] keys = new double[Pieces.Count];
        int[] ids = new int[Pieces.Count];
        for (int id = 0; id < ids.Length; id++)
            (keys[id], ids[id]) = (-Pieces[id].Score, id);
        Array.Sort(keys, ids);
        for (int start = 0, end; start < ids.Length; start = end)
        {
            for (end = start + 1; end < ids.Length && keys[end] == keys[start];)
                end++;
            Array.Sort(ids, start, end - start);
        }
        return ids;
    }

    private bool IsNormal(int id) => Pieces[id].Kind is PieceKind.Normal or PieceKind.UserDefined;

    private SequenceDecoder Decoder(int unknown)
    {
        List<PieceDecoder> decoders = [new ReplaceDecoder(Mark, " ")];
        if (unknown >= 0 && Pieces[unknown].Piece.Length > 0)
            decoders.Add(new ReplaceDecoder(Pieces[unknown].Piece, " \u2047 "));
        if (ByteFallback)
            decoders.Add(new ByteFallbackDecoder());
        decoders.Add(new FuseDecoder());
        if (AddsSpace)
            decoders.Add(MarkIsSuffix ? new StripDecoder(' ', 0, 1) : new StripDecoder(' ', 1, 0));
        return new SequenceDecoder(decoders);
    }
}
