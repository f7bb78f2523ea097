using System.Text;
using System.Text.Json;
using Lemma.Formats;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>The two files of GPT-2 and its kin: vocab.json, an object of pieces and ids, and merges.txt, a pair of pieces a line.</summary>
/// <remarks>tokenizer_config.json names the family; without it pieces that end in &lt;/w&gt; are CLIP's, and all others GPT-2's.</remarks>
internal static class MergesFile
{
    private const string ClipWords = @"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    /// <summary>Reads the files of a folder.</summary>
    public static Tokenizer Read(string folder)
    {
        Vocabulary vocabulary = ReadVocabulary(Path.Combine(folder, "vocab.json"));
        string path = Path.Combine(folder, "merges.txt");
        if (!File.Exists(path))
            return WordVocabularyFile.Read(vocabulary, folder);
        byte[] bytes = FileBytes.Read(path);
        SpecialTokenFiles special = new(folder, vocabulary);
        try
        {
            return Build(vocabulary, ReadMerges(bytes, vocabulary), special);
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"merges.txt: {error.Message}", error);
        }
    }

    private static Tokenizer Build(Vocabulary vocabulary, MergeList merges, SpecialTokenFiles special)
    {
        string name = special.Class.Replace("Fast", "", StringComparison.Ordinal).Replace("Tokenizer", "", StringComparison.Ordinal);
        return name switch
        {
            "CLIP" => Clip(vocabulary, merges, special),
            "" when vocabulary.IdOf("<|startoftext|>") >= 0 && EndsWords(vocabulary) => Clip(vocabulary, merges, special),
            "Qwen2" => Make(vocabulary, merges, special, WordPattern.Qwen, new UnicodeFormNormalizer(UnicodeForm.Nfc)),
            "Roberta" or "Bart" or "Longformer" or "LED" or "MVP" => Roberta(vocabulary, merges, special),
            "" or "GPT2" or "CodeGen" or "Whisper" or "GPTNeoX" or "Blenderbot" or "OPT" or "Deberta" => Make(vocabulary, merges, special, WordPattern.Gpt2, null),
            _ => throw new InvalidDataException($"the tokenizer's class must be one of CLIP, GPT2 and its kin, Qwen2 and Roberta, but is '{special.Class}'"),
        };
    }

    private static bool EndsWords(Vocabulary vocabulary) => vocabulary.IdOf("a</w>") >= 0;

    private static Tokenizer Make(Vocabulary vocabulary, MergeList merges, SpecialTokenFiles special, WordPattern pattern, Normalizer? normalizer,
        PostProcessor? postProcessor = null)
    {
        special.AddKnown("<|endoftext|>", vocabulary);
        Splitter splitter = pattern == WordPattern.Gpt2 ? new ByteLevelSplitter(special.AddsPrefixSpace)
            : new SequenceSplitter([PatternSplitter.Of(pattern), new ByteLevelSplitter(splitWords: false)]);
        string start = special.RoleOr("bos_token", "<|endoftext|>");
        if (special.AddsStart == true && IdOf(start, vocabulary, special) is int id and >= 0)
            postProcessor = new TemplatePostProcessor([new(start, false, 0), new("A", true, 0)],
                [new(start, false, 0), new("A", true, 0), new(start, false, 0), new("B", true, 1)], [new TemplateToken(start, [id], [start])]);
        return new Tokenizer(new BpeModel(vocabulary, merges), special.Tokens, normalizer, splitter,
            postProcessor ?? new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: false), new ByteLevelDecoder());
    }

    private static Tokenizer Roberta(Vocabulary vocabulary, MergeList merges, SpecialTokenFiles special)
    {
        foreach (string known in (ReadOnlySpan<string>)["<s>", "</s>", "<unk>", "<pad>"])
            special.AddKnown(known, vocabulary);
        // The mask takes the space before it.
        if (vocabulary.IdOf("<mask>") is int mask and >= 0 && special.Tokens.All(token => token.Id != mask))
            special.AddKnown(new AddedToken(mask, "<mask>") { StripsLeft = true });
        string start = special.RoleOr("cls_token", "<s>"), end = special.RoleOr("sep_token", "</s>");
        return Make(vocabulary, merges, special, WordPattern.Gpt2, null,
            new RobertaPostProcessor((end, Needed(end, vocabulary, special)), (start, Needed(start, vocabulary, special)), true,
                special.AddsPrefixSpace));
    }

    private static Tokenizer Clip(Vocabulary vocabulary, MergeList merges, SpecialTokenFiles special)
    {
        string start = special.RoleOr("bos_token", "<|startoftext|>"), end = special.RoleOr("eos_token", "<|endoftext|>");
        special.AddKnown(start, vocabulary);
        special.AddKnown(end, vocabulary);
        string unknown = special.RoleOr("unk_token", end);
        BpeOptions options = new() { EndSuffix = "</w>", UnknownPiece = vocabulary.IdOf(unknown) >= 0 ? unknown : null };
        return new Tokenizer(new BpeModel(vocabulary, merges, options), special.Tokens,
            new SequenceNormalizer([new UnicodeFormNormalizer(UnicodeForm.Nfc), new ReplaceNormalizer(@"\s+", " ", isRegex: true), new LowercaseNormalizer()]),
            // GPT-2's words as well, since CLIP's hold the special tokens, which may be written in upper case.
            new SequenceSplitter([PatternSplitter.OfRegex(ClipWords, SplitBehavior.Removed, isInverted: true), new ByteLevelSplitter()]),
            new RobertaPostProcessor((end, Needed(end, vocabulary, special)), (start, Needed(start, vocabulary, special)), false, false),
            new SequenceDecoder([new ByteLevelDecoder(), new FuseDecoder(), new ReplaceDecoder("</w>", " "), new StripDecoder(' ', 0, 1)]));
    }

    private static int IdOf(string piece, Vocabulary vocabulary, SpecialTokenFiles special) =>
        special.Tokens.FirstOrDefault(token => token.Content == piece)?.Id ?? vocabulary.IdOf(piece);

    private static int Needed(string piece, Vocabulary vocabulary, SpecialTokenFiles special) =>
        IdOf(piece, vocabulary, special) is int id and >= 0 ? id : throw new InvalidDataException($"the vocabulary must have '{piece}', but has not");

    private static Vocabulary ReadVocabulary(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            using JsonDocument document = JsonText.Parse(bytes);
            return ModelJson.ReadVocabulary(new JsonPlace(document.RootElement));
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"vocab.json: {error.Message}", error);
        }
    }

    private static MergeList ReadMerges(byte[] bytes, Vocabulary vocabulary)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
            throw new InvalidDataException("the file must be UTF-8, but is not");
        MergeList merges = new(vocabulary);
        int number = 0;
        foreach (string text in Encoding.UTF8.GetString(bytes).TrimStart('\ufeff').Split('\n'))
        {
            number++;
            string line = text.TrimEnd('\r');
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal))
                continue;
            string[] pair = line.Split(' ');
            if (pair.Length != 2 || pair[0].Length == 0 || pair[1].Length == 0)
                throw new InvalidDataException($"line {number} must be two pieces with one space between them, but is '{line}'");
            merges.Add(pair[0], pair[1]);
        }
        return merges;
    }
}
