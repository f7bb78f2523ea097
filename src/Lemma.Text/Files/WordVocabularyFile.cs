using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>A vocab.json without merges: the characters of speech recognition (CTC), or whole words.</summary>
internal static class WordVocabularyFile
{
    private const string Delimiter = "|";

    /// <summary>Characters where "|" stands for a space and all but special pieces are single, otherwise words between white space.</summary>
    public static Tokenizer Read(Vocabulary vocabulary, string folder)
    {
        SpecialTokenFiles special = new(folder, vocabulary);
        try
        {
            return Build(vocabulary, special);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"vocab.json: {error.Message}", error);
        }
    }

    private static Tokenizer Build(Vocabulary vocabulary, SpecialTokenFiles special)
    {
        string unknown = special.RoleOr("unk_token", vocabulary.IdOf("[UNK]") >= 0 ? "[UNK]" : "<unk>");
        string blank = special.RoleOr("pad_token", vocabulary.IdOf("[PAD]") >= 0 ? "[PAD]" : "<pad>");
        foreach (string known in (ReadOnlySpan<string>)[blank, "<s>", "</s>", unknown])
            special.AddKnown(known, vocabulary);
        WordModel model = new(vocabulary, unknown);
        if (vocabulary.IdOf(Delimiter) < 0 || !Enumerable.Range(0, vocabulary.Size).All(id => IsCharacter(vocabulary.PieceOf(id))))
            return new Tokenizer(model, special.Tokens, splitter: new WhitespaceSplitter());
        return new Tokenizer(model, special.Tokens, new ReplaceNormalizer(" ", Delimiter), new FixedLengthSplitter(1),
            decoder: new CtcDecoder(blank, Delimiter, cleansUp: true));
    }

    private static bool IsCharacter(string? piece) => piece is null || (piece.Length > 2 && piece[0] is '<' or '[')
        || (Rune.TryGetRuneAt(piece + " ", 0, out Rune rune) && rune.Utf16SequenceLength == piece.Length);
}
