using CsCheck;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

public sealed class TokenizerFileTests
{
    private const string Good = """
        {"version": "1.0", "added_tokens": [{"id": 0, "content": "<unk>", "normalized": false, "special": true},
           {"id": 1, "content": "<s>", "special": true}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "_"},
           {"type": "Replace", "pattern": {"String": " "}, "content": "_"}]},
         "pre_tokenizer": null,
         "post_processor": {"type": "TemplateProcessing", "single": [
             {"SpecialToken": {"id": "S", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {"S": {"id": "S", "ids": [1], "tokens": ["<s>"]}}},
         "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "},
           {"type": "ByteFallback"},
           {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
         "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
           "vocab": {"<unk>": 0, "<s>": 1, "_": 2, "a": 3, "b": 4, "_a": 5, "ab": 6, "<0xC3>": 7, "<0xA9>": 8},
           "merges": ["_ a", ["a", "b"]]}}
        """;

    [Fact]
    public void Reads_a_byte_fallback_model_with_its_pipeline()
    {
        Tokenizer tokenizer = Load(Good);
        Assert.Equal([1, 5, 4, 5, 4, 7, 8, 0, 3], tokenizer.Encode("ab abé猫猫a"));
        Assert.Equal([5], tokenizer.Encode("a", addSpecialTokens: false));
        Assert.Equal([1], tokenizer.Encode(""));
        Assert.Equal("ab abéa", tokenizer.Decode(tokenizer.Encode("ab abé猫猫a")));
        Assert.Equal("a\ufffd\ufffda", tokenizer.Decode([5, 7, 7, 3]));
    }

    [Theory]
    [InlineData("ab abé猫猫a")]
    [InlineData(" <unk> a<unk>b")]
    public void A_saved_file_means_the_same(string text)
    {
        Tokenizer first = Load(Good), second = SaveAndLoad(first), third = SaveAndLoad(second);
        Assert.Equal(first.Encode(text), third.Encode(text));
        Assert.Equal(first.Decode(first.Encode(text)), third.Decode(third.Encode(text)));
    }

    [Fact]
    public void Saving_replaces_the_file_and_leaves_nothing_else()
    {
        using TemporaryFolder folder = new();
        Tokenizer tokenizer = BpeTrainer.Train(["aab aab"], new BpeTrainerOptions { VocabularySize = 300 });
        File.WriteAllText(folder.File("tokenizer.json"), "old");
        tokenizer.Save(folder.Path);
        byte[] once = File.ReadAllBytes(folder.File("tokenizer.json"));
        Tokenizer.Load(folder.Path).Save(folder.File("tokenizer.json"));
        Assert.Equal(once, File.ReadAllBytes(folder.File("tokenizer.json")));
        Assert.Equal([folder.File("tokenizer.json")], Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("", "", "the file must be JSON, but line 1, byte 1 is not")]
    [InlineData("\"version\": \"1.0\",", "\"version\": \"1.0\"", "the file must be JSON, but line 1")]
    [InlineData("\"model\": {", "\"modle\": {", "model must be an object, but is missing")]
    [InlineData("\"type\": \"BPE\"", "\"type\": \"Quantum\"", "model has the unknown model type 'Quantum'")]
    [InlineData("\"Prepend\"", "\"Prefix\"", "normalizer.normalizers[0] has the unknown normalizer type 'Prefix'")]
    [InlineData("\"pre_tokenizer\": null", "\"pre_tokenizer\": {\"type\": \"Cutter\"}",
        "pre_tokenizer has the unknown pre-tokenizer type 'Cutter'")]
    [InlineData("\"Fuse\"", "\"Melt\"", "decoder.decoders[2] has the unknown decoder type 'Melt'")]
    [InlineData("\"TemplateProcessing\"", "\"Frame\"", "post_processor has the unknown post-processor type 'Frame'")]
    [InlineData("{\"String\": \" \"}", "{\"Regex\": \"(\"}", "normalizer.normalizers[1] pattern: '(' must close its group, character 2")]
    [InlineData("{\"String\": \" \"}", "{\"Text\": \" \"}", "normalizer.normalizers[1].pattern must have either String or Regex")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"x\"]", "merge 1 names the unknown piece 'x'")]
    [InlineData("[\"a\", \"b\"]", "[\"b\", \"a\"]", "merge 1 makes the unknown piece 'ba'")]
    [InlineData("[\"a\", \"b\"]", "[\"a\"]", "model.merges[1] must have two pieces, but has 1")]
    [InlineData("\"_ a\"", "\"_a\"", "model.merges[0] must be two pieces with one space between them, but is '_a'")]
    [InlineData("\"a\": 3", "\"a\": 4", "vocabulary: the id 4 occurs twice, for 'a' and 'b'")]
    [InlineData("\"a\": 3", "\"b\": 3", "the key 'b' occurs twice in one object, the second time in line")]
    [InlineData("\"a\": 3", "\"a\": -3", "vocabulary: the id of 'a' must be in 0 to 65572, but is -3")]
    [InlineData("\"a\": 3", "\"a\": 2000000000", "vocabulary: the id of 'a' must be in 0 to 65572, but is 2000000000")]
    [InlineData("\"a\": 3", "\"a\": 3.5", "model.vocab.a must be a whole number of 32 bits, but is 3.5")]
    [InlineData("\"a\": 3", "\"\\ud800\": 3", "must be valid Unicode, but is not")]
    [InlineData("\"unk_token\": \"<unk>\"", "\"unk_token\": \"?\"", "bpe: the unknown piece '?' is not in the vocabulary")]
    [InlineData("\"id\": 0, \"content\": \"<unk>\"", "\"id\": 3, \"content\": \"<unk>\"",
        "added token: '<unk>' has the id 3, but 0 in the vocabulary")]
    [InlineData("\"version\"", "\"truncation\": {}, \"version\"", "truncation.max_length must be a number, but is missing")]
    [InlineData("{\"SpecialToken\": {\"id\": \"S\"", "{\"SpecialToken\": {\"id\": \"T\"",
        "post_processor template: the special token 'T' is not among")]
    [InlineData("\"merges\": [", "\"dropout\": 1.5, \"merges\": [", "bpe: the dropout must be in 0 to 1, but is 1.5")]
    public void A_broken_file_is_refused_with_one_sentence(string part, string replacement, string message)
    {
        string broken = part.Length == 0 ? "" : Good.Replace(part, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Good, broken);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Load(broken));
        Assert.StartsWith("tokenizer.json: " + message, error.Message.Replace("model.vocab must", "must", StringComparison.Ordinal));
    }

    [Fact]
    public void Cut_off_files_are_refused()
    {
        for (int length = 0; length < Good.Length - 1; length += 7)
            Assert.Throws<InvalidDataException>(() => Load(Good[..length]));
    }

    [Fact]
    public void A_changed_file_is_read_or_refused_but_never_fails_otherwise() =>
        Gen.Select(Gen.Int[0, Good.Length - 1], Gen.OneOf("", "0", "-", "9", "\"", "\\ud800", "{", "}", "[", "null", ",", "\u0000", "1e999"))
            .Array[1, 3].Sample(changes =>
            {
                string changed = Good;
                foreach ((int at, string text) in changes)
                    changed = changed.Remove(Math.Min(at, changed.Length - 1), 1).Insert(Math.Min(at, changed.Length - 1), text);
                try
                {
                    Assert.True(Load(changed).VocabularySize > 0);
                }
                catch (InvalidDataException error)
                {
                    Assert.StartsWith("tokenizer.json: ", error.Message);
                }
            }, iter: 2000);

    [Fact]
    public void A_missing_file_is_named()
    {
        string path = Path.Combine(Path.GetTempPath(), "no-such-folder", "tokenizer.json");
        Assert.Equal($"tokenizer: there is no file {path}", Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(path)).Message);
    }

    public static Tokenizer SaveAndLoad(Tokenizer tokenizer)
    {
        using TemporaryFolder folder = new();
        tokenizer.Save(folder.Path);
        return Tokenizer.Load(folder.Path);
    }

    private static Tokenizer Load(string json)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("tokenizer.json"), json);
        return Tokenizer.Load(folder.Path);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("lemma-tokenizer-").FullName;

        public string File(string name) => System.IO.Path.Combine(Path, name);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
