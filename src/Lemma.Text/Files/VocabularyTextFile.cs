using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>BERT's vocab.txt: a piece a line, the line's number is its id.</summary>
/// <remarks>Lower case is assumed when no piece has an upper-case ASCII letter but special tokens.</remarks>
internal static class VocabularyTextFile
{
    private static readonly string[] Special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Reads a vocab.txt.</summary>
    public static Tokenizer Read(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            if (!System.Text.Unicode.Utf8.IsValid(bytes))
                throw new InvalidDataException("the file must be UTF-8, but is not");
            List<string> lines = [.. Encoding.UTF8.GetString(bytes).Split('\n').Select(static line => line.TrimEnd('\r'))];
            while (lines.Count > 0 && lines[^1].Length == 0)
                lines.RemoveAt(lines.Count - 1);
            int empty = lines.IndexOf("");
            if (empty >= 0)
                throw new InvalidDataException($"line {empty + 1} must be a piece, but is empty");
            return Build(lines);
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    /// <summary>BERT's tokenizer of a vocabulary.</summary>
    public static Tokenizer Build(IReadOnlyList<string> pieces)
    {
        Vocabulary vocabulary = new(pieces);
        int classifier = vocabulary.IdOf("[CLS]"), separator = vocabulary.IdOf("[SEP]");
        if (vocabulary.IdOf("[UNK]") < 0 || classifier < 0 || separator < 0)
            throw new InvalidDataException("the vocabulary must have [UNK], [CLS] and [SEP], but lacks one");
        bool lowercases = !pieces.Any(static piece => piece[0] != '[' && piece.AsSpan().ContainsAnyInRange('A', 'Z'));
        AddedToken[] added = [.. Special.Select(text => (text, vocabulary.IdOf(text))).Where(static token => token.Item2 >= 0)
            .OrderBy(static token => token.Item2).Select(static token => new AddedToken(token.Item2, token.text))];
        TemplateToken[] tokens = [new("[CLS]", [classifier], ["[CLS]"]), new("[SEP]", [separator], ["[SEP]"])];
        TemplatePart[] single = [new("[CLS]", false, 0), new("A", true, 0), new("[SEP]", false, 0)];
        return new Tokenizer(new WordPieceModel(vocabulary), added, new BertNormalizer(lowercases: lowercases), new BertSplitter(),
            new TemplatePostProcessor(single, [.. single, new("B", true, 1), new("[SEP]", false, 1)], tokens), new WordPieceDecoder());
    }
}
