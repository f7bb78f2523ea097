using System.Text.Json;
using Lemma.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Models;
using Lemma.Text.Normalization;
using Lemma.Text.PostProcessing;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>What tokenizers 0.23.1 and SentencePiece do at the edges: offsets, left-out characters, streams, words that other files name.</summary>
public sealed class PeerBehaviourTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_character_without_a_piece_is_left_out()
    {
        Tokenizer tokenizer = new(new BpeModel(new Vocabulary(["a", "b", "ab"]), [("a", "b")]));
        Assert.Equal([2], tokenizer.Encode("axb"));
        Assert.Equal([(0, 2)], tokenizer.EncodeDetailed("axb").Offsets);
        Assert.Equal([(0, 1), (1, 3)], tokenizer.EncodeDetailed("aXXabx").Offsets);
        Assert.Empty(tokenizer.Encode("🌐"));
    }

    [Theory]
    [InlineData(false, "a\n\nb", "(0, 1) (1, 2) (2, 3) (3, 4)")]
    [InlineData(false, " a  b", "(1, 1) (1, 2) (3, 3) (4, 4) (4, 5)")]
    [InlineData(false, "a b ", "(0, 1) (2, 2) (2, 3) (4, 4)")]
    [InlineData(true, "a\n\nb", "(0, 0) (0, 1) (1, 2) (2, 3) (3, 4)")]
    [InlineData(true, " a  b", "(0, 0) (1, 2) (3, 3) (4, 4) (4, 5)")]
    [InlineData(true, "  a", "(0, 0) (2, 2) (2, 3)")]
    public void Offsets_leave_out_spaces_and_nothing_else(bool addsSpace, string text, string offsets)
    {
        Tokenizer tokenizer = new(new BpeModel(new Vocabulary(["a", "b", "\u0120", "\u010a"]), []), splitter: new ByteLevelSplitter(addsSpace),
            postProcessor: new ByteLevelPostProcessor(addsSpace, trimOffsets: true));
        Assert.Equal(offsets, string.Join(' ', tokenizer.EncodeDetailed(text).Offsets));
    }

    [Theory]
    [InlineData("a b", "\u2581a \u2581b", "(0, 1) (1, 3)")]
    [InlineData("  a b", "\u2581 \u2581a \u2581b", "(0, 1) (1, 3) (3, 5)")]
    [InlineData("xa b", "a \u2581b", "(1, 2) (2, 4)")]
    [InlineData("x a", "\u2581a", "(1, 3)")]
    public void A_mark_is_put_first_only_where_the_original_text_starts(string text, string pieces, string offsets)
    {
        Tokenizer tokenizer = new(new WordModel(new Vocabulary(["\u2581", "\u2581a", "a", "b", "\u2581b", "<u>"]), "<u>"),
            normalizer: new ReplaceNormalizer("x", ""), splitter: new MetaspaceSplitter(prepends: PrependScheme.First));
        EncodedText encoded = tokenizer.EncodeDetailed(text);
        Assert.Equal(pieces, string.Join(' ', encoded.Ids.Select(tokenizer.PieceOf)));
        Assert.Equal(offsets, string.Join(' ', encoded.Offsets));
        Assert.Equal(encoded.Ids, tokenizer.Encode(text));
    }

    [Fact]
    public void A_lone_mark_covers_the_first_character()
    {
        Tokenizer tokenizer = new(new BpeModel(new Vocabulary(["\u2581", "h", "i"]), []), splitter: new MetaspaceSplitter());
        Assert.Equal([(0, 1), (0, 1), (1, 2)], tokenizer.EncodeDetailed("hi").Offsets);
    }

    [Fact]
    public void An_added_token_of_normalized_text_is_decoded_in_its_normalized_form()
    {
        Tokenizer tokenizer = new(new WordModel(new Vocabulary(["a", "<u>"]), "<u>"), [new AddedToken(2, "Q W") { IsNormalized = true, IsSpecial = false }],
            new LowercaseNormalizer());
        Assert.Equal("q w", tokenizer.Decode([2]));
        Assert.Equal("Q W", tokenizer.PieceOf(2));
    }

    [Fact]
    public void A_stream_behind_a_prompt_is_the_whole_text_without_that_of_the_prompt()
    {
        SequenceDecoder decoder = new([new ReplaceDecoder("\u2581", " "), new ByteFallbackDecoder(), new FuseDecoder(), new StripDecoder(' ', 1, 0)]);
        Tokenizer tokenizer = new(new WordModel(new Vocabulary(["\u2581once", "\u2581a", "\u2581time", "<0xC3>", "<0xA9>"]), "<u>"), decoder: decoder);
        int[] all = [0, 1, 2, 3, 4, 2];
        for (int prompt = 0; prompt <= all.Length; prompt++)
        {
            StreamingDecoder stream = new(tokenizer, prompt: all.AsSpan(0, prompt));
            string told = string.Concat(all[prompt..].Select(stream.Append)) + stream.Finish();
            string before = tokenizer.Decode(all.AsSpan(0, prompt)), whole = tokenizer.Decode(all);
            // Half a character at the end of a prompt is U+FFFD there, and whole in the stream.
            Assert.Equal(prompt == 4 ? "é time" : whole[before.Length..], told);
        }
    }

    [Fact]
    public void CLIPs_two_files_are_read_as_CLIPs()
    {
        Dictionary<string, int> pieces = [];
        foreach (string piece in (string[])["a", "b", "c", "a</w>", "b</w>", "c</w>", "ab", "abc</w>", "'</w>", "1</w>", "<|startoftext|>",
            "<|endoftext|>", "|</w>"])
            pieces[piece] = pieces.Count;
        folder.Write("vocab.json", JsonSerializer.Serialize(pieces));
        folder.Write("merges.txt", "#version: 0.2\na b\nab c</w>\n");
        Tokenizer tokenizer = Tokenizer.Load(folder[""]);
        Assert.Equal([10, 7, 9, 9, 5, 11], tokenizer.Encode("ABC 11  c"));
        Assert.Equal("abc 1 1 c", tokenizer.Decode([10, 7, 9, 9, 5, 11]));
        // Lower case makes a special token's text, which is one word of CLIP's and three of GPT-2's, and those are cut too.
        Assert.Equal([11, 12, .. Enumerable.Repeat(11, 9), 11, 11], tokenizer.Encode("<|ENDOFTEXT|>", addSpecialTokens: false));
    }

    [Fact]
    public void Qwens_two_files_have_its_words_and_its_added_tokens()
    {
        string[] pieces = [.. Enumerable.Range(0, 256).Select(static value => ByteAlphabet.ToCharacter((byte)value).ToString()), "'M"];
        folder.Write("vocab.json", JsonSerializer.Serialize(pieces.Index().ToDictionary(static piece => piece.Item, static piece => piece.Index)));
        folder.Write("merges.txt", "' M\n");
        folder.Write("tokenizer_config.json", """
            {"tokenizer_class": "Qwen2Tokenizer", "model_max_length": Infinity, "added_tokens_decoder": {"260": {"content": "<|im_end|>", "special": true}}}
            """);
        folder.Write("added_tokens.json", "\ufeff{\"<tool>\": 258}");
        Tokenizer tokenizer = Tokenizer.Load(folder[""]);
        Assert.Equal([tokenizer.IdOf("I")!.Value, 256, 260, 258], tokenizer.Encode("I'M<|im_end|><tool>"));
        Assert.Equal("I'M<tool>", tokenizer.Decode([tokenizer.IdOf("I")!.Value, 256, 260, 259, 258]));
        Assert.Equal(tokenizer.Encode("\u00e9"), tokenizer.Encode("e\u0301"));
    }

    [Theory]
    [InlineData("true", "\u0120a b \u0120a \u0120a")]
    [InlineData("false", "a b \u0120a \u0120a")]
    public void GPT2s_two_files_say_whether_a_space_stands_first(string adds, string pieces)
    {
        string[] vocabulary = [.. Enumerable.Range(0, 256).Select(static value => ByteAlphabet.ToCharacter((byte)value).ToString()), "\u0120a"];
        folder.Write("vocab.json", JsonSerializer.Serialize(vocabulary.Index().ToDictionary(static piece => piece.Item, static piece => piece.Index)));
        folder.Write("merges.txt", "\u0120 a\n");
        folder.Write("tokenizer_config.json", $$"""{"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": {{adds}}}""");
        Tokenizer tokenizer = Tokenizer.Load(folder[""]);
        Assert.Equal(pieces, string.Join(' ', tokenizer.Encode("ab a a").Select(tokenizer.PieceOf)));
        Assert.Equal("\u0120a", tokenizer.PieceOf(Assert.Single(tokenizer.Encode(" a"))));
    }

    [Fact]
    public void A_vocabulary_of_characters_is_that_of_speech()
    {
        string vocabulary = """{"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6}""";
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("vocab.json", vocabulary));
        Assert.Equal([5, 6, 4, 5, 3], tokenizer.Encode("AB AX"));
        Assert.Equal("AB A", tokenizer.Decode([5, 5, 0, 6, 4, 4, 5]));
    }

    [Fact]
    public void Whispers_empty_piece_and_any_words_are_read_from_a_rank_file()
    {
        string lines = string.Join('\n', Enumerable.Range(0, 256).Select(static value => $"{Convert.ToBase64String([(byte)value])} {value}")
            .Append("MTI= 256").Append("= 257"));
        string path = folder.Write("a.tiktoken", lines);
        Assert.Equal([256, '3'], Tokenizer.LoadTiktoken(path, @"\p{N}+").Encode("123"));
        Assert.Equal(['1', '2', '3'], Tokenizer.LoadTiktoken(path, @"\p{N}").Encode("123"));
        Assert.Equal("", Tokenizer.LoadTiktoken(path, @"\p{N}").Decode([257]));
    }

    [Fact]
    public void Tekken_has_its_special_tokens_before_its_pieces()
    {
        string vocabulary = string.Join(',', Enumerable.Range(0, 256).Select(static value =>
            $$"""{"rank": {{value}}, "token_bytes": "{{Convert.ToBase64String([(byte)value])}}"}"""));
        string file = $$"""
            {"config": {"pattern": "\\p{L}+|[^\\p{L}]", "default_vocab_size": 266, "default_num_special_tokens": 10},
             "vocab": [{{vocabulary}}, {"rank": 256, "token_bytes": "YWI="}]}
            """;
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("tekken.json", file));
        Assert.Equal([10 + 'a', 10 + 'b', 3], tokenizer.Encode("ab[INST]"));
    }

    [Theory]
    [InlineData("deepseek-v3", "12345x", "123|45|x")]
    [InlineData("deepseek-v3", "great🎉yes", "great|🎉|yes")]
    [InlineData("falcon", "1234", "123|4")]
    [InlineData("starcoder", "12 a", "1|2| a")]
    [InlineData("afmoe", "12345", "12|345")]
    [InlineData("qwen2", "I'M 12", "I|'M| |1|2")]
    [InlineData("default", "a1234!", "a|123|4|!")]
    public void The_words_of_a_gguf_are_those_of_llama_cpp(string kind, string text, string words)
    {
        SplitBuffer buffer = new();
        buffer.Fill(text);
        foreach (string pattern in Lemma.Text.Files.GgufWords.Find(kind)!.Value.Patterns)
            PatternSplitter.OfRegex(pattern).Split(buffer);
        Assert.Equal(words.Split('|'), Enumerable.Range(0, buffer.Count).Select(i => buffer[i].ToString()));
    }

    [Fact]
    public void A_key_that_occurs_twice_is_told_with_its_place()
    {
        string path = folder.Write("tokenizer.json", "{\n \"version\": NaN,\n \"model\": {\"type\": \"WordLevel\", \"vocab\": {\"é\": 0, \"é\": 1}}}");
        Assert.Equal("tokenizer.json: the key 'é' occurs twice in one object, the second time in line 3, column 51",
            Assert.Throws<InvalidDataException>(() => Tokenizer.Load(path)).Message);
        Tokenizer read = Tokenizer.Load(folder.Write("tokenizer.json", "\ufeff{\"version\": -Infinity, "
            + "\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"a\": 0}}}"));
        Assert.Equal([0], read.Encode("a"));
        path = folder.Write("tokenizer.json", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": null, \"vocab\": [[\"a\", NaN]]}}");
        Assert.Contains("must be a number, but is a text", Assert.Throws<InvalidDataException>(() => Tokenizer.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SentencePieces_spaces_as_suffix_and_pieces_of_spaces()
    {
        VocabularyFiles.Piece[] pieces = [new("<unk>", 0, 2), new("a\u2581", -1, 1), new("b", -2, 1), new("a", -3, 1), new("\u2581", -4, 1),
            new(" ", 0, 4)];
        byte[] model = VocabularyFiles.SentencePiece(pieces, isBpe: false, removesSpaces: true, endsWords: true);
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("a.model", model));
        Assert.Equal([2, 1, 1], tokenizer.Encode("ba a"));
        Assert.Equal("ba a", tokenizer.Decode([2, 1, 1]));
        Assert.Equal([2, 1, 1], TokenizerFileTests.SaveAndLoad(tokenizer).Encode("  ba   a "));
        Assert.Equal("b \u2047 b", tokenizer.Decode([2, 0, 2]));
    }

    [Fact]
    public void A_saved_SentencePiece_model_strips_spaces_and_not_lines()
    {
        VocabularyFiles.Piece[] pieces = [new("<unk>", 0, 2), new("\u2581a", -1, 1), new("\t", -2, 1), new("a", -3, 1), new("\u2581", -4, 1)];
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("a.model", VocabularyFiles.SentencePiece(pieces, isBpe: false, removesSpaces: true)));
        foreach (string text in (string[])[" a\t", "\ta ", "  a  a  ", "\n a"])
            Assert.Equal(tokenizer.Encode(text), TokenizerFileTests.SaveAndLoad(tokenizer).Encode(text));
    }
}
