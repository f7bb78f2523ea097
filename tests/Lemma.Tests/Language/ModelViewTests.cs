using System.Text.Json;
using Lemma.Language.Views;
using Lemma.Models;
using Lemma.Tests.Models;
using Lemma.Text.Training;

namespace Lemma.Tests.Language;

/// <summary>Looking inside: guesses at masks, guesses of every layer and maps of heads, beside transformers in float64.</summary>
public sealed class ModelViewTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MasksAreFilledAsTransformersFillsThem()
    {
        using ModelView model = ModelView.Load(LookingGolden.WriteModel(folder, "bert"), threads: 2);
        foreach (JsonElement one in LookingGolden.Root.GetProperty("fill").EnumerateArray())
        {
            FilledText filled = model.Fill(one.GetProperty("text").GetString()!, top: 5);
            JsonElement[] masks = [.. one.GetProperty("masks").EnumerateArray()];
            Assert.Equal(masks.Select(mask => mask.GetProperty("position").GetInt32()), filled.Masks.Select(mask => mask.Position));
            for (int i = 0; i < masks.Length; i++)
                Check(masks[i].GetProperty("guesses"), filled.Masks[i].Guesses);
            Assert.All(filled.Masks, mask => Assert.Contains(mask.Guesses[0].Text.TrimStart('#'), filled.Text, StringComparison.Ordinal));
            Assert.DoesNotContain("[MASK]", filled.Text, StringComparison.Ordinal);
        }
        Assert.Equal(96, model.Fill("the [MASK]", top: 96).Masks[0].Guesses.Select(guess => guess.Id).Distinct().Count());
        Assert.Equal(1, model.Fill("the [MASK]", top: 96).Masks[0].Guesses.Sum(guess => guess.Probability), 1e-9);
    }

    [Theory, InlineData("bert"), InlineData("gpt2"), InlineData("llama"), InlineData("mistral-window"), InlineData("bloom"), InlineData("gemma2")]
    public void EveryLayerPredictsWhatTransformersRowsDo(string name)
    {
        JsonElement expected = Look(name);
        (ModelView model, string text) = Open(name, expected);
        using (model)
        {
            LensView lens = model.Lens(text, top: 3);
            Assert.Equal(Ids(expected), lens.Ids);
            JsonElement[] layers = [.. expected.GetProperty("lens").EnumerateArray()];
            Assert.Equal((layers.Length, layers.Length), (lens.Layers, model.Layers));
            for (int layer = 0; layer < layers.Length; layer++)
            {
                for (int token = 0; token < lens.Ids.Count; token++)
                    Check(layers[layer][token], lens[layer, token]);
            }
        }
    }

    [Theory, InlineData("bert"), InlineData("gpt2"), InlineData("llama"), InlineData("mistral-window"), InlineData("bloom"), InlineData("gemma2"),
        InlineData("gemma3"), InlineData("t5"), InlineData("deepseek-v3")]
    public void MapsAreThoseOfTransformers(string name)
    {
        JsonElement expected = Look(name);
        (ModelView model, string text) = Open(name, expected);
        using (model)
        {
            for (int layer = 0; layer < model.Layers; layer++)
            {
                AttentionView view = model.Attention(text, layer);
                JsonElement[] heads = [.. expected.GetProperty("attention")[layer].EnumerateArray()];
                Assert.Equal((heads.Length, layer), (view.Heads, view.Layer));
                for (int head = 0; head < heads.Length; head++)
                {
                    double[] map = [.. heads[head].EnumerateArray().SelectMany(LookingGolden.Numbers)];
                    Assert.Equal(map.Length, view[head].Length);
                    for (int i = 0; i < map.Length; i++)
                        Assert.True(Math.Abs(map[i] - view[head][i]) < 5e-6, $"{name}, layer {layer}, head {head}, place {i}: {map[i]} and {view[head][i]}");
                }
            }
        }
    }

    [Fact]
    public void LinearAttentionHasALensAndNoMap()
    {
        using (Decoder linear = MixerTests.Model("linear"))
            Lemma.Checkpoints.ModelFolder.Write(folder["model"], linear);
        File.WriteAllText(Path.Combine(folder["model"], "vocab.txt"), "[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\nb\n");
        using ModelView model = ModelView.Load(folder["model"]);
        Assert.Equal("attention: layer 1 has no weights of keys to be drawn, as linear attention has none",
            Assert.Throws<ArgumentException>(() => model.Attention("a b", 1)).Message);
        LensView lens = model.Lens("a b");
        // Ids beyond the tokenizer's have no text.
        Assert.All(Enumerable.Range(0, lens.Ids.Count), token => Assert.True(lens[0, token][0].Id < 7 || lens[0, token][0].Text == $"<{lens[0, token][0].Id}>"));
    }

    [Fact]
    public void WrongCallsAreExceptions()
    {
        using ModelView bert = ModelView.Load(LookingGolden.WriteModel(folder, "bert"));
        string[] long129 = [.. Enumerable.Repeat("the", 127)];
        Says("fill: the text is empty", () => bert.Fill(""));
        Says("fill: the text needs the mask token [MASK] where something is to be filled in, but has none", () => bert.Fill("the cat"));
        Says("fill: from 1 to 96 tokens can be told, but 0 were asked for", () => bert.Fill("[MASK]", top: 0));
        Says("lens: from 1 to 96 tokens can be told, but 97 were asked for", () => bert.Lens("the", top: 97));
        Says("lens: the model reads at most 128 tokens, but the text has 129", () => bert.Lens(string.Join(' ', long129)));
        Says("attention: layer 2 is not among the model's 2, from 0 to 1", () => bert.Attention("the", 2));
        Says("attention: layer -1 is not among the model's 2, from 0 to 1", () => bert.Attention("the", -1));
        Says("attention: head 4 is not among the 4 of layer 1, from 0 to 3", () => _ = bert.Attention("the", 1)[4].Length);
        Assert.Throws<ArgumentNullException>(() => bert.Lens(null!));
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => bert.Lens("the", cancellation: source.Token));
        Assert.Throws<OperationCanceledException>(() => bert.Attention("the", 0, source.Token));
        using TemporaryFolder other = new(), both = new();
        using ModelView llama = ModelView.Load(LookingGolden.WriteModel(other, "llama")), t5 = ModelView.Load(LookingGolden.WriteModel(both, "t5"));
        Says("fill: the model is a decoder without a head for masked tokens", () => llama.Fill("[MASK]"));
        Says("lens: the model is an encoder and a decoder without a head that predicts tokens of the text it reads", () => t5.Lens("the"));
        File.AppendAllText(folder["vocab.txt"], "more\n");
        Assert.Contains("the tokenizer has 97 ids, but the model has 96", Assert.Throws<InvalidDataException>(() => ModelView.Load(folder[""])).Message,
            StringComparison.Ordinal);

        static void Says(string sentence, Action call) => Assert.Equal(sentence, Assert.Throws<ArgumentException>(call).Message);
    }

    private static JsonElement Look(string name) =>
        LookingGolden.Root.GetProperty("looks").EnumerateArray().First(look => look.GetProperty("name").GetString() == name);

    private static int[] Ids(JsonElement look) => [.. look.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

    // Decoders read ids that were made up, each of which is a character here.
    private (ModelView Model, string Text) Open(string name, JsonElement look)
    {
        LookingGolden.WriteModel(folder, name);
        if (name == "bert")
            return (ModelView.Load(folder[""]), LookingGolden.Texts[0]);
        File.Delete(folder["vocab.txt"]);
        CharacterTrainer.Train([string.Concat(Enumerable.Range(0, 96).Select(id => (char)(0x4E00 + id)))]).Save(folder["tokenizer.json"]);
        return (ModelView.Load(folder[""]), string.Concat(Ids(look).Select(id => (char)(0x4E00 + id))));
    }

    private static void Check(JsonElement expected, IReadOnlyList<TokenGuess> guesses)
    {
        JsonElement[] all = [.. expected.EnumerateArray()];
        Assert.Equal(all.Length, guesses.Count);
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal(all[i].GetProperty("id").GetInt32(), guesses[i].Id);
            Assert.Equal(all[i].GetProperty("probability").GetDouble(), guesses[i].Probability, 2e-6);
        }
    }
}
