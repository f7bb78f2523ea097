using System.Text;
using System.Text.Json;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>GPT-2's two files: vocab.json, an object of pieces and ids, and merges.txt, a pair of pieces a line.</summary>
internal static class MergesFile
{
    /// <summary>Reads the two files of a folder.</summary>
    public static Tokenizer Read(string folder)
    {
        Vocabulary vocabulary = ReadVocabulary(Path.Combine(folder, "vocab.json"));
        string path = Path.Combine(folder, "merges.txt");
        byte[] bytes = FileBytes.Read(path);
        try
        {
            return Build(vocabulary, ReadMerges(bytes, vocabulary));
        }
        catch (Exception error) when (error is InvalidDataException or ArgumentException)
        {
            throw new InvalidDataException($"merges.txt: {error.Message}", error);
        }
    }

    /// <summary>GPT-2's tokenizer of a vocabulary and its merges.</summary>
    public static Tokenizer Build(Vocabulary vocabulary, IReadOnlyList<(string, string)> merges, WordPattern pattern = WordPattern.Gpt2)
    {
        AddedToken[] added = vocabulary.IdOf("<|endoftext|>") is int end and >= 0 ? [new AddedToken(end, "<|endoftext|>")] : [];
        Splitter splitter = pattern == WordPattern.Gpt2 ? new ByteLevelSplitter()
            : new SequenceSplitter([PatternSplitter.Of(pattern), new ByteLevelSplitter(splitWords: false)]);
        return new Tokenizer(new BpeModel(vocabulary, merges), added, splitter: splitter,
            postProcessor: new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: false), decoder: new ByteLevelDecoder());
    }

    private static Vocabulary ReadVocabulary(string path)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return ModelJson.ReadVocabulary(new JsonPlace(document.RootElement));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"vocab.json: the file must be JSON, but line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1} is not", error);
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
        foreach (string text in Encoding.UTF8.GetString(bytes).Split('\n'))
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
