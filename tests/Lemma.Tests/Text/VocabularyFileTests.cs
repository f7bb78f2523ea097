using System.Text.Json;
using CsCheck;
using Lemma.Text;
using Lemma.Text.Models;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>A vocabulary in the files of several programs gives the ids of the tokenizer that it was taken from.</summary>
public sealed class VocabularyFileTests : IDisposable
{
    private const string Corpus = "the cat sat on the mat; the cats' mats sat. Ein Kätzchen saß auf der Matte. 12 123 1234 "
        + "a cat, the mat, the hat and that cat at the mat\n\n";

    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.OneOf("the", " cat", " mats", "sat", " ", "  ", "\n", ". ", "ä", "ß", "猫", "😀", "Matte", "12", "'s", "<unk>", "[SEP]", "\u2581"),
        Gen.Char['a', 'z'].Select(c => c.ToString())).Array[0, 40].Select(string.Concat);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Byte_level_BPE_in_two_files_and_in_a_gguf()
    {
        Tokenizer trained = BpeTrainer.Train([Corpus], new BpeTrainerOptions { VocabularySize = 340 });
        BpeModel model = (BpeModel)trained.Model;
        using MemoryStream vocabulary = new();
        using (Utf8JsonWriter json = new(vocabulary))
        {
            json.WriteStartObject();
            foreach (int id in Enumerable.Range(0, trained.VocabularySize))
                json.WriteNumber(trained.PieceOf(id), id);
            json.WriteEndObject();
        }
        folder.Write("vocab.json", vocabulary.ToArray());
        string merges = folder.Write("merges.txt", string.Concat(model.Merges.Select(merge => $"{merge.Left} {merge.Right}\n").Prepend("#version: 0.2\n")));
        string gguf = folder.Write("a.gguf", VocabularyFiles.Gguf("gpt2", Pieces(trained, id => id == 0 ? (byte)3 : (byte)1), model.Merges));
        Equal(trained, Tokenizer.Load(merges), Tokenizer.Load(gguf));
    }

    /// <summary>Ids of llama-tokenize (llama.cpp 0.7.0) with the same vocabulary, its start left out: no pattern but lines, whatever the file names.</summary>
    [Theory]
    [InlineData("hello world", new[] { 283, 277, 289, 292 })]
    [InlineData("  hello\n\nworld.", new[] { 277, 285, 287, 289, 292, 275 })]
    [InlineData("<|channel>h", new[] { 294, 265 })]
    [InlineData("\u65E5z \u00E9", new[] { 234, 155, 169, 126, 277, 278 })]
    [InlineData("hello hello\n worlds, ", new[] { 283, 285, 274, 277, 289, 292, 270, 276, 277 })]
    public void Gemma4_in_a_gguf(string text, int[] expected)
    {
        string[] controls = ["<pad>", "<eos>", "<bos>", "<unk>"], bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")],
            letters = [.. "abcdehlnorstuw\n.,\u2581\u00E9\u00DF".Select(letter => letter.ToString())],
            merges = ["l l", "h e", "he ll", "hell o", "\u2581 h", "\u2581 hello", "\u2581 \u2581", "\n \n", "o r", "w or", "\u2581 w", "\u2581w or", "l d", "\u2581wor ld"];
        VocabularyFiles.Piece[] pieces =
        [
            .. controls.Select((piece, id) => new VocabularyFiles.Piece(piece, -id, id == 3 ? (byte)2 : (byte)3)),
            .. bytes.Select(piece => new VocabularyFiles.Piece(piece, 0, 6)),
            .. letters.Concat(merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))).Select(piece => new VocabularyFiles.Piece(piece, 0, 1)),
            new("<|channel>", 0, 4),
        ];
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("a.gguf", VocabularyFiles.Gguf("gemma4", pieces, [.. merges.Select(merge => merge.Split(' ') is [var left, var right]
            ? (left, right) : default)])));
        Assert.Equal(expected, tokenizer.Encode(text));
        Assert.Equal(text, tokenizer.Decode(expected, false));
    }

    [Fact]
    public void WordPiece_in_a_text_file_and_in_a_gguf()
    {
        Tokenizer trained = WordPieceTrainer.Train([Corpus], new WordPieceTrainerOptions { VocabularySize = 90 });
        string[] pieces = [.. Enumerable.Range(0, trained.VocabularySize).Select(trained.PieceOf)];
        string text = folder.Write("vocab.txt", string.Join('\n', pieces) + "\n");
        VocabularyFiles.Piece[] marked = [.. pieces.Select((piece, id) => new VocabularyFiles.Piece(id < 5 ? piece
            : piece.StartsWith("##", StringComparison.Ordinal) ? piece[2..] : "\u2581" + piece, 0, id < 5 ? (byte)3 : (byte)1))];
        Equal(trained, Tokenizer.Load(text), Tokenizer.Load(folder.Write("a.gguf", VocabularyFiles.Gguf("bert", marked))));
    }

    /// <summary>The file of SentencePiece, whose reader equals SentencePiece itself on real models, is the known one.</summary>
    [Fact]
    public void Llama_in_three_files()
    {
        Tokenizer trained = BpeTrainer.Train([Corpus], new BpeTrainerOptions
        {
            VocabularySize = 330,
            Units = BpeUnits.CharactersOrBytes,
            AlphabetSize = 24,
            SpecialTokens = ["<unk>", "<s>", "</s>"],
        });
        VocabularyFiles.Piece[] pieces = Pieces(trained, id => (byte)(id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1));
        Tokenizer known = Tokenizer.Load(folder.Write("a.model", VocabularyFiles.SentencePiece(pieces, isBpe: true, removesSpaces: false)));
        Equal(known, Tokenizer.Load(folder.Write("tokenizer.bin", VocabularyFiles.Llama2(pieces))),
            Tokenizer.Load(folder.Write("a.gguf", VocabularyFiles.Gguf("llama", pieces))));
        // It puts a space before the text, which the trainer's tokenizer does not.
        foreach (string text in (string[])["the cat sat on the mats", "that Kätzchen 12", "the 猫"])
            Assert.Equal(trained.Encode(" " + text), known.Encode(text));
    }

    [Fact]
    public void Unigram_in_a_model_and_in_a_gguf()
    {
        Tokenizer trained = UnigramTrainer.Train([Corpus, Corpus], new UnigramTrainerOptions { VocabularySize = 60, Normalizer = null });
        IReadOnlyList<(string Piece, double Score)> model = ((UnigramModel)trained.Model).Pieces;
        VocabularyFiles.Piece[] pieces = [.. model.Select((piece, id) => new VocabularyFiles.Piece(piece.Piece, (float)piece.Score, (byte)(id == 0 ? 2 : 1)))];
        Tokenizer known = Tokenizer.Load(folder.Write("a.model", VocabularyFiles.SentencePiece(pieces, isBpe: false, removesSpaces: true)));
        Equal(known, Tokenizer.Load(folder.Write("a.gguf", VocabularyFiles.Gguf("t5", pieces))));
        foreach (string text in (string[])["the cat sat on the mats", "that Matte 12"])
            Assert.Equal(trained.Encode(text), known.Encode(text));
    }

    private static VocabularyFiles.Piece[] Pieces(Tokenizer tokenizer, Func<int, byte> kindOf) =>
        [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(id => new VocabularyFiles.Piece(tokenizer.PieceOf(id), -id, kindOf(id)))];

    private static void Equal(Tokenizer known, params Tokenizer[] others) => Texts.Sample(text =>
    {
        int[] ids = known.Encode(text, addSpecialTokens: false);
        foreach (Tokenizer other in others)
        {
            Assert.Equal(ids, other.Encode(text, addSpecialTokens: false));
            Assert.Equal(known.Decode(ids), other.Decode(ids));
        }
    }, iter: 2000);
}
