using System.Text.Json;
using System.Text.Json.Nodes;
using Lemma.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Splitting;

namespace Lemma.Tests.Text;

/// <summary>Stages that few tokenizers have, beside what tokenizers 0.23.1 and sentencepiece 0.2.2 gave
/// (bench/tokenizers/make_stages.py).</summary>
public sealed class StageTests : IDisposable
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "stages.json"))).RootElement;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Scripts_are_split_as_the_peer_splits_them()
    {
        foreach (JsonElement item in Golden.GetProperty("scripts").EnumerateArray())
        {
            SplitBuffer buffer = new();
            buffer.Fill(item.GetProperty("text").GetString()!);
            new ScriptSplitter().Split(buffer);
            Assert.Equal(Texts(item.GetProperty("pieces")), Enumerable.Range(0, buffer.Count).Select(i => buffer[i].ToString()));
        }
    }

    [Fact]
    public void Decoders_replace_by_regular_expressions_as_the_peer_does()
    {
        foreach (JsonElement item in Golden.GetProperty("replaced").EnumerateArray())
        {
            ReplaceDecoder decoder = new(item.GetProperty("pattern").GetString()!, item.GetProperty("content").GetString()!,
                isRegex: true);
            foreach ((string piece, string expected) in Texts(item.GetProperty("pieces")).Zip(Texts(item.GetProperty("texts"))))
            {
                Collector collector = new();
                PieceSink sink = decoder.Attach(collector);
                sink.Write(piece, endsPiece: true);
                sink.Finish();
                Assert.True(expected == collector.Text,
                    $"{item.GetProperty("pattern")} on '{piece}': '{expected}', but '{collector.Text}'");
            }
        }
    }

    [Fact]
    public void Texts_that_are_too_long_come_in_the_parts_of_the_peer()
    {
        int several = 0, refused = 0;
        foreach (JsonElement item in Golden.GetProperty("parts").EnumerateArray())
        {
            Tokenizer tokenizer = Cutting(item);
            string text = item.GetProperty("text").GetString()!;
            string? pair = item.GetProperty("pair").GetString();
            // The peer gives what was cut off whole, however long, where nothing of a text is kept.
            int most = item.GetProperty("max_length").GetInt32();
            if (!item.TryGetProperty("parts", out JsonElement parts)
                || parts.EnumerateArray().Any(part => part.GetProperty("ids").GetArrayLength() > most))
            {
                Assert.Throws<ArgumentException>(() => tokenizer.EncodeParts(text, pair).ToList());
                refused++;
                continue;
            }
            List<EncodedText> actual = [.. tokenizer.EncodeParts(text, pair)];
            Assert.Equal(parts.EnumerateArray().Select(Shown), actual.Select(Shown));
            Assert.All(actual, part => Assert.True(part.Ids.Count <= most));
            Assert.Equal(item.GetProperty("types").EnumerateArray().Select(type => type.GetInt32()), actual[0].TypeIds);
            Assert.Equal(Shown(actual[0]), Shown(tokenizer.EncodeForModel(text, pair)));
            several += actual.Count > 2 ? 1 : 0;
        }
        Assert.True(several > 30 && refused > 10, $"{several} in parts, {refused} refused");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void SentencePiece_models_of_words_and_characters_give_the_ids_of_the_peer(int index)
    {
        JsonElement model = Golden.GetProperty("sentencepiece")[index];
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("a.model", Convert.FromBase64String(model.GetProperty("model").GetString()!)));
        foreach (JsonElement item in model.GetProperty("cases").EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            int[] ids = [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(text));
            EncodedText detailed = tokenizer.EncodeDetailed(text);
            Assert.Equal(ids, detailed.Ids);
            Assert.Equal(ids.Length, detailed.Offsets.Count);
            if (!ids.Contains(0))
                Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
        }
    }

    // The golden tokenizer with the settings of a case, as a file has them.
    private Tokenizer Cutting(JsonElement item)
    {
        JsonObject file = JsonNode.Parse(Golden.GetProperty("tokenizer").GetString()!)!.AsObject();
        string strategy = item.GetProperty("strategy").GetString()!;
        file["truncation"] = new JsonObject
        {
            ["max_length"] = item.GetProperty("max_length").GetInt32(),
            ["stride"] = item.GetProperty("stride").GetInt32(),
            ["direction"] = item.GetProperty("direction").GetString() == "left" ? "Left" : "Right",
            ["strategy"] = strategy == "longest_first" ? "LongestFirst" : strategy == "only_first" ? "OnlyFirst" : "OnlySecond",
        };
        if (item.GetProperty("padded").GetBoolean())
            file["padding"] = JsonNode.Parse("{\"direction\": \"Left\", \"pad_id\": 0, \"pad_token\": \"[UNK]\"}");
        return Tokenizer.Load(folder.Write("tokenizer.json", file.ToJsonString()));
    }

    private static string Shown(EncodedText part) =>
        $"{string.Join(' ', part.Ids)} | {string.Join(' ', part.Offsets)} | {string.Join(' ', part.AttentionMask)}";

    private static string Shown(JsonElement part)
    {
        string Joined(string name) => string.Join(' ', part.GetProperty(name).EnumerateArray().Select(number => number.GetInt32()));
        IEnumerable<(int, int)> offsets = part.GetProperty("offsets").EnumerateArray().Select(pair =>
            (pair[0].GetInt32(), pair[1].GetInt32()));
        return $"{Joined("ids")} | {string.Join(' ', offsets)} | {Joined("mask")}";
    }

    private static string[] Texts(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetString()!)];

    private sealed class Collector : PieceSink
    {
        public string Text { get; private set; } = "";

        public override void Write(ReadOnlySpan<char> part, bool endsPiece) => Text += part.ToString();

        public override void Finish()
        {
        }
    }
}
