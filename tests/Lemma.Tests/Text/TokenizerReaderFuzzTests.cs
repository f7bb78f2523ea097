using System.Globalization;
using System.Text;
using Lemma.Text;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>Every reader is given files that were changed at random: it reads them or says in one sentence what is wrong.</summary>
public sealed class TokenizerReaderFuzzTests
{
    /// <summary>Changes of each file; LEMMA_FUZZ names another number for a longer run.</summary>
    private static readonly int Changes = int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "3000", CultureInfo.InvariantCulture);

    public static TheoryData<string> Names => ["a.tiktoken", "vocab.txt", "merges.txt", "vocab.json", "tokenizer.bin", "rwkv_vocab_a.txt", "a.model",
        "a.gguf", "tokenizer.json",
        "tekken.json", "tokenizer_config.json", "added_tokens.json"];

    [Theory, MemberData(nameof(Names))]
    public void A_changed_file_is_read_or_refused(string name)
    {
        using TemporaryFolder folder = new();
        folder.Write("vocab.json", Encoding.UTF8.GetBytes("{\"a\": 0, \"b\": 1, \"ab\": 2}"));
        folder.Write("merges.txt", Encoding.UTF8.GetBytes("#version: 0.2\na b\n"));
        bool isBeside = name is "tokenizer_config.json" or "added_tokens.json";
        byte[] good = Good(name);
        string path = folder.Write(name, good);
        string read = isBeside ? folder["vocab.json"] : path;
        Assert.True(Load(read).VocabularySize > 0);
        Random random = new(11);
        for (int i = 0; i < Changes; i++)
        {
            byte[] changed = Change(good, random);
            File.WriteAllBytes(path, changed);
            try
            {
                Tokenizer tokenizer = Load(read);
                try
                {
                    tokenizer.Decode(tokenizer.Encode("ab a\u00e9"));
                }
                catch (ArgumentException error)
                {
                    Assert.StartsWith("encode: ", error.Message);
                }
            }
            catch (InvalidDataException error)
            {
                Assert.Matches("^(a\\.|vocab\\.|merges\\.|tokenizer\\.|tokenizer_config\\.|added_tokens\\.|tekken\\.|rwkv_vocab_a\\.)", error.Message);
            }
        }
    }

    private static Tokenizer Load(string path) =>
        path.EndsWith(".tiktoken", StringComparison.Ordinal) ? Tokenizer.LoadTiktoken(path, WordPattern.Gpt2) : Tokenizer.Load(path);

    private static byte[] Change(byte[] good, Random random)
    {
        List<byte> bytes = [.. good];
        for (int i = random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 9)));
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    bytes[at] = 0xFF;
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }
        return [.. bytes];
    }

    private static byte[] Good(string name) => name switch
    {
        "a.tiktoken" => Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 256)
            .Select(value => $"{Convert.ToBase64String([(byte)value])} {value}").Append("YWI= 256"))),
        "vocab.txt" => Encoding.UTF8.GetBytes("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##b\n"),
        "merges.txt" => Encoding.UTF8.GetBytes("#version: 0.2\na b\n"),
        "vocab.json" => Encoding.UTF8.GetBytes("{\"a\": 0, \"b\": 1, \"ab\": 2}"),
        "tokenizer.bin" => Llama2(),
        "tokenizer.json" => Encoding.UTF8.GetBytes(Json),
        "tekken.json" => Encoding.UTF8.GetBytes(Tekken()),
        "tokenizer_config.json" => Encoding.UTF8.GetBytes("""
            {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true, "bos_token": {"content": "<s>", "lstrip": true},
             "added_tokens_decoder": {"3": {"content": "<s>", "special": true}}, "model_max_length": Infinity}
            """),
        "added_tokens.json" => Encoding.UTF8.GetBytes("{\"<s>\": 3, \"<t>\": 5}"),
        "rwkv_vocab_a.txt" => RwkvFileTests.Bytes(-1, @"300 'a\x62\u00e9\'' 5", "301 b\"\\101\\n\" 2"),
        "a.model" => SentencePiece(),
        _ => Gguf(),
    };

    private static string Tekken()
    {
        IEnumerable<string> pieces = Enumerable.Range(0, 256).Select(static value =>
            $$"""{"rank": {{value}}, "token_bytes": "{{Convert.ToBase64String([(byte)value])}}"}""");
        return """{"config": {"pattern": "\\p{L}+|\\s", "default_vocab_size": 260, "default_num_special_tokens": 4}, "vocab": ["""
            + string.Join(',', pieces) + "]}";
    }

    // Every stage of the pipeline once.
    private const string Json = """
        {"version": "1.0", "truncation": {"direction": "Right", "max_length": 9, "strategy": "LongestFirst", "stride": 1}, "padding": null,
         "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "x+"}, "content": "b"}]},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\\d{1,3}"}, "behavior": "Isolated",
          "invert": false}, {"type": "Whitespace"}]},
         "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A",
          "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
         "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
         "model": {"type": "BPE", "dropout": 0.5, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
          "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3}, "merges": [["a", "b"]]}}
        """;

    private static byte[] Llama2() => VocabularyFiles.Llama2(Enumerable.Range(0, 262).Select(id =>
        new VocabularyFiles.Piece(id < 259 ? $"<{id}>" : ((string[])["a", "b", "ab"])[id - 259], -id, 1)));

    private static byte[] SentencePiece() => VocabularyFiles.SentencePiece([new("<unk>", 0, 2), new("<s>", 0, 3), new("\u2581", -1, 1),
        new("a", -2, 1), new("b", -3, 1), new("ab", -2.5f, 1), new("\u2581a", -1.5f, 1), new("user", 0, 4)], isBpe: true, removesSpaces: true);

    private static byte[] Gguf() => VocabularyFiles.Gguf("llama", [.. ((string[])["<unk>", "<s>", "\u2581", "a", "b", "ab"])
        .Select((piece, id) => new VocabularyFiles.Piece(piece, -id, (byte)(id == 0 ? 2 : id == 1 ? 3 : 1)))]);
}
