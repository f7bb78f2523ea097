using System.Buffers;
using System.Buffers.Text;
using System.Collections;
using System.Runtime.CompilerServices;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Models.ByteLevel;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Text.Files;

/// <summary>The rank files of tiktoken: a line a piece, its bytes in base 64, a space and its rank, which is its id.</summary>
/// <remarks>A file does not say how text is split, nor its special tokens. The number of its pieces tells those of OpenAI, Llama 3
/// and 4, Qwen, Kimi-K2 and Whisper apart; other files need a pattern from the caller. Special tokens may stand in tokenizer_config.json beside the file.</remarks>
internal static class TiktokenFile
{
    private const int LongestPiece = 1 << 12;

    /// <summary>Reads a rank file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="words">What cuts texts into words; null for what vocabularies of this size have.</param>
    /// <param name="specialTokens">The special tokens; null for those of the files beside it, and what else vocabularies of this size have.</param>
    public static Tokenizer Read(string path, PatternSplitter? words, IReadOnlyList<AddedToken>? specialTokens)
    {
        byte[] bytes = FileBytes.Read(path);
        try
        {
            (string[] pieces, int[] ranks, int lines) = ReadPieces(bytes);
            words ??= WordsOf(lines) ?? throw new InvalidDataException(
                $"the file has {lines} pieces, which is no known vocabulary: LoadTiktoken takes the pattern that splits its texts");
            Vocabulary vocabulary = new(pieces, ranks);
            return Make(vocabulary, words, specialTokens ?? SpecialTokensBeside(path, vocabulary, lines));
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {error.Message}", error);
        }
    }

    /// <summary>The tokenizer of pieces that are spelled in bytes: all pairs that make a piece are merges.</summary>
    public static Tokenizer Make(Vocabulary vocabulary, PatternSplitter words, IReadOnlyList<AddedToken> specialTokens)
    {
        for (int value = 0; value < 256; value++)
            if (vocabulary.IdOf([ByteAlphabet.ToCharacter((byte)value)]) < 0)
                throw new InvalidDataException($"the file must have all 256 bytes, but has not the byte {value}");
        // Every split of a piece into two pieces is a merge; its rank is that of the piece it makes.
        BpeModel model = new(vocabulary, AllSplits.Of(vocabulary), new BpeOptions { IgnoreMerges = true, SharesRanks = true });
        Splitter splitter = new SequenceSplitter([words, new ByteLevelSplitter(splitWords: false)]);
        return new Tokenizer(model, specialTokens, splitter: splitter,
            postProcessor: new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: false), decoder: new ByteLevelDecoder());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (string[] Pieces, int[] Ranks, int Lines) ReadPieces(ReadOnlySpan<byte> file)
    {
        int most = file.Count((byte)'\n') + 1, count = 0, number = 0, lines = 0, largest = Vocabulary.MostIds(most);
        string[] pieces = new string[most];
        int[] ranks = new int[most];
        BitArray seen = new(largest + 1);
        Span<byte> bytes = stackalloc byte[Base64.GetMaxDecodedFromUtf8Length(LongestPiece)];
        Span<char> spelling = stackalloc char[bytes.Length];
        for (int at = 0, end; at < file.Length; at = end + 1)
        {
            int length = file[at..].IndexOf((byte)'\n');
            end = length < 0 ? file.Length : at + length;
            ReadOnlySpan<byte> line = file[at..end].TrimEnd((byte)'\r');
            number++;
            if (line.IsEmpty)
                continue;
            int space = line.IndexOf((byte)' ');
            if (space <= 0 || !Utf8Parser.TryParse(line[(space + 1)..], out int rank, out int used) || used != line.Length - space - 1
                || rank < 0)
                throw new InvalidDataException($"line {number} must be a piece in base 64, a space and a rank, but is '{Shown(line)}'");
            lines++;
            // Whisper's file has an empty piece, which no text means.
            if (line[..space].SequenceEqual("="u8))
                continue;
            if (space > LongestPiece
                || Base64.DecodeFromUtf8(line[..space], bytes, out _, out int size) != OperationStatus.Done || size == 0)
                throw new InvalidDataException($"line {number} must start with a piece in base 64, but is '{Shown(line)}'");
            if (rank > largest)
                throw new InvalidDataException($"line {number} must have a rank in 0 to {largest}, but has {rank}");
            if (seen[rank])
                throw new InvalidDataException($"line {number} has the rank {rank}, which an earlier line has");
            seen[rank] = true;
            for (int i = 0; i < size; i++)
                spelling[i] = ByteAlphabet.ToCharacter(bytes[i]);
            (pieces[count], ranks[count++]) = (new string(spelling[..size]), rank);
        }
        if (count == 0)
            throw new InvalidDataException("the file must have a line a piece, but is empty");
        return (pieces[..count], ranks[..count], lines);
    }

    private static string Shown(ReadOnlySpan<byte> line) =>
        System.Text.Encoding.Latin1.GetString(line[..Math.Min(line.Length, 40)]) + (line.Length > 40 ? "..." : "");

    private static PatternSplitter? WordsOf(int lines) => lines switch
    {
        50256 or 50257 or 50280 => PatternSplitter.Of(WordPattern.Gpt2),
        100256 or 128000 => PatternSplitter.Of(WordPattern.Cl100k),
        151643 => PatternSplitter.Of(WordPattern.Qwen),
        199998 or 200000 => PatternSplitter.Of(WordPattern.O200k),
        163584 => PatternSplitter.OfRegex(GgufWords.Kimi),
        _ => null,
    };

    private static IReadOnlyList<AddedToken> SpecialTokensBeside(string path, Vocabulary vocabulary, int lines)
    {
        SpecialTokenFiles files = new(Path.GetDirectoryName(Path.GetFullPath(path))!, vocabulary);
        HashSet<string> said = [.. files.Tokens.Select(static token => token.Content)];
        foreach (AddedToken token in SpecialTokensOf(lines).Where(token => !said.Contains(token.Content)))
            files.AddKnown(token);
        return files.Tokens;
    }

    private static AddedToken[] SpecialTokensOf(int pieces) => pieces switch
    {
        50256 => Number(50256, "<|endoftext|>"),
        50257 => Number(50257, "<|endoftext|>", "<|startoftranscript|>"),
        163584 => [.. Number(163584, "[BOS]", "[EOS]", "<|im_end|>", "<|im_user|>", "<|im_assistant|>"), new(163594, "<|im_system|>"),
            new(163601, "<|im_middle|>")],
        200000 => Number(200000, "<|begin_of_text|>", "<|end_of_text|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|header_start|>",
            "<|header_end|>", "<|eom|>", "<|eot|>"),
        50280 => [new AddedToken(50256, "<|endoftext|>")],
        100256 => [new(100257, "<|endoftext|>"), .. Number(100258, "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
            new(100276, "<|endofprompt|>")],
        199998 => [new(199999, "<|endoftext|>"), new(200018, "<|endofprompt|>")],
        151643 => Number(151643, "<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        128000 => [.. Number(128000, "<|begin_of_text|>", "<|end_of_text|>"), .. Number(128006, "<|start_header_id|>", "<|end_header_id|>"),
            new(128009, "<|eot_id|>")],
        _ => [],
    };

    private static AddedToken[] Number(int first, params string[] contents) =>
        [.. contents.Select((content, i) => new AddedToken(first + i, content))];
}
