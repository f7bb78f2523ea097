using System.Text.Json;
using Lemma.Formats;
using Lemma.Language;
using Lemma.Language.Views;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Tests.Language;

/// <summary>Texts to vectors: pooling beside PyTorch, the same bits in any batch, what folders of sentence-transformers ask for.</summary>
public sealed class EmbeddingModelTests : IDisposable
{
    private static readonly string[] Ways = ["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"];
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EveryPoolingIsThatOfPyTorch()
    {
        foreach (string way in Ways)
        {
            using EmbeddingModel model = EmbeddingModel.Load(LookingGolden.WriteBert(folder, LookingGolden.Pooling(way)), threads: 2);
            Assert.Equal((32, 128, false), (model.Width, model.MaximumLength, model.Normalizes));
            Check(model.Embed(LookingGolden.Texts), Expected(way));
        }
    }

    [Fact]
    public void SeveralPoolingsStandBehindEachOtherAndAreNormalizedTogether()
    {
        using EmbeddingModel model = EmbeddingModel.Load(LookingGolden.WriteBert(folder, LookingGolden.Pooling("lasttoken", "cls_token"),
            ["Transformer", "Pooling", "Normalize"]));
        Assert.Equal((64, true), (model.Width, model.Normalizes));
        Assert.Equal([PoolingMode.First, PoolingMode.Last], model.Modes);
        double[][] expected = [.. Expected("cls_token").Zip(Expected("lasttoken"), (first, last) => (double[])[.. first, .. last])];
        Check(model.Embed(LookingGolden.Texts), [.. expected.Select(vector =>
        {
            double length = Math.Sqrt(vector.Sum(value => value * value));
            return vector.Select(value => value / length).ToArray();
        })]);
    }

    [Fact]
    public void BitsDependOnTheTextAloneAndTheOrderIsKept()
    {
        string path = LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"));
        string[] texts = [.. Enumerable.Range(0, 60).Select(i => string.Concat(Enumerable.Range(0, i * 37 % 50 + 1).Select(j => (i * j % 3) switch
        {
            0 => "the cat ",
            1 => $"x{j} ",
            _ => "Paris! ",
        })))];
        float[][]? first = null;
        foreach ((int threads, int together) in ((int, int)[])[(1, 1024), (2, 1), (3, 200), (2, 1 << 20)])
        {
            using EmbeddingModel model = EmbeddingModel.Load(path, threads);
            model.TokensTogether = together;
            Counting done = new();
            float[][] vectors = model.EmbedCut(texts, out int cut, done);
            Assert.Equal(0, cut);
            Assert.Equal(60, done.Values[^1]);
            Assert.Equal(done.Values.Order(), done.Values);
            Assert.Equal(together == 1 ? 60 : together == 1 << 20 ? 1 : done.Values.Count, done.Values.Count);
            first ??= vectors;
            for (int i = 0; i < texts.Length; i++)
                Assert.True(first[i].AsSpan().SequenceEqual(vectors[i]), $"text {i} with {threads} threads, {together} tokens together");
            Assert.True(first[7].AsSpan().SequenceEqual(model.Embed([texts[7]])[0]));
        }
    }

    [Fact]
    public void LongTextsAreRefusedUnlessTheyMayBeCut()
    {
        string path = LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"), lengths: """{"max_seq_length": 7, "do_lower_case": false}""");
        using EmbeddingModel model = EmbeddingModel.Load(path);
        Assert.Equal(7, model.MaximumLength);
        string[] texts = ["the cat sat on mat", "the cat sat on mat on the red dog", "a cat", "the cat sat on mat on"];
        Assert.Equal("embed: the model reads at most 7 tokens, but text 2 of 4 has 11", Assert.Throws<ArgumentException>(() => model.Embed(texts)).Message);
        float[][] vectors = model.EmbedCut(texts, out int cut);
        Assert.Equal(2, cut);
        // Special tokens stay around what is left, as transformers cuts.
        Assert.Equal(vectors[0], vectors[1]);
        Assert.Equal(vectors[0], vectors[3]);
        Assert.NotEqual(vectors[0], vectors[2]);
    }

    [Fact]
    public void CapitalsAndPromptsAreReadAsTheFilesSay()
    {
        string path = LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"), lengths: """{"max_seq_length": null, "do_lower_case": true}""");
        folder.Write("config_sentence_transformers.json",
            """{"prompts": {"query": "THE ", "x": ""}, "default_prompt_name": "query", "similarity_fn_name": "cosine"}""");
        using EmbeddingModel model = EmbeddingModel.Load(path);
        Check(model.Embed(["cat Sat on the mat."]), [Expected("mean_tokens")[0]]);
        folder.Write("1_Pooling/config.json", """{"word_embedding_dimension": 32, "pooling_mode_cls_token": true, "include_prompt": false}""");
        Assert.Contains("\"include_prompt\": false is not supported where texts have a prompt by default",
            Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(path)).Message, StringComparison.Ordinal);
        folder.Write("config_sentence_transformers.json", """{"prompts": {}, "default_prompt_name": "query"}""");
        Assert.Contains("there is no prompt 'query'", Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADecoderIsTheMeanOfItsRows()
    {
        string path = LookingGolden.WriteModel(folder, "llama");
        using EmbeddingModel model = EmbeddingModel.Load(path);
        Assert.Equal([PoolingMode.Mean], model.Modes);
        Assert.False(model.Normalizes);
        float[] vector = model.Embed([LookingGolden.Texts[0]])[0];
        using Lemma.Models.Decoder decoder = Lemma.Checkpoints.ModelFolder.ReadDecoder(path);
        using Lemma.Compute.Workers workers = new(1);
        using Lemma.Tensors.Tape tape = new(workers, decoder.Parameters) { Recording = false };
        int[] ids = Tokenizer.Load(path).Encode(LookingGolden.Texts[0]);
        float[] hidden = tape[decoder.Hidden(tape, Lemma.Sequences.Rows.One(ids))].ToArray();
        for (int column = 0; column < 32; column++)
            Assert.Equal(Enumerable.Range(0, ids.Length).Average(row => (double)hidden[row * 32 + column]), vector[column], 1e-6);
    }

    [Theory]
    [InlineData("""{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true, "pooling_mode_attention": true}""", "\"pooling_mode_attention\" is not")]
    [InlineData("""{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": false}""", "one of pooling_mode_cls_token")]
    [InlineData("""{"word_embedding_dimension": 32, "pooling_mode": "median"}""", "\"pooling_mode\": 'median' is not one of cls, max, mean")]
    [InlineData("""{"word_embedding_dimension": 64, "pooling_mode_mean_tokens": true}""", "rows of 64 columns are pooled, but the model's have 32")]
    [InlineData("""{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": 3}""", "\"pooling_mode_mean_tokens\" must be true or false, but it is 3")]
    [InlineData("[]", "a JSON object is needed")]
    public void APoolingThatIsNotKnownIsRefusedByName(string pooling, string says) => Assert.Contains(says,
        Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(LookingGolden.WriteBert(folder, pooling))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""[{"path": "", "type": "sentence_transformers.models.Transformer"}]""", "must list Transformer, Pooling, any number of Dense, and Normalize or not, in this order")]
    [InlineData("""[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]""", "but lists Dense")]
    [InlineData("""[{"path": "", "type": "sentence_transformers.models.LayerNorm"}]""", "unknown module type 'sentence_transformers.models.LayerNorm'")]
    [InlineData("""[{"path": "", "type": "mine.Transformer"}]""", "unknown module type 'mine.Transformer'")]
    [InlineData("""[{"path": "../other", "type": "sentence_transformers.models.Pooling"}]""", "[0].path must be the name of a folder beside the file")]
    [InlineData("""[{"path": 1, "type": "sentence_transformers.models.Pooling"}]""", "[0].path must be a text")]
    [InlineData("{}", "must be an array")]
    public void ModulesThatAreNotKnownAreRefusedByName(string modules, string says)
    {
        LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"));
        folder.Write("modules.json", modules);
        string message = Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(folder[""])).Message;
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.Contains("modules.json", message, StringComparison.Ordinal);
    }

    [Fact]
    public void APoolingMayBeOneNameAndIsTheMeanWhereNothingIsSaid()
    {
        foreach ((string pooling, PoolingMode[] modes) in ((string, PoolingMode[])[])
            [("\"pooling_mode\": \"lasttoken\"", [PoolingMode.Last]), ("\"pooling_mode\": \"mean_sqrt_len_tokens\"", [PoolingMode.MeanByRoot]),
                ("\"include_prompt\": true", [PoolingMode.Mean]), ("\"pooling_mode_cls_token\": true", [PoolingMode.First, PoolingMode.Mean])])
        {
            using EmbeddingModel model = EmbeddingModel.Load(LookingGolden.WriteBert(folder, $"{{\"word_embedding_dimension\": 32, {pooling}}}"));
            Assert.Equal(modes, model.Modes);
        }
    }

    [Theory]
    [InlineData("torch.nn.modules.activation.Tanh", true)]
    [InlineData("torch.nn.modules.linear.Identity", false)]
    [InlineData("torch.nn.modules.activation.ReLU", true)]
    [InlineData("torch.nn.modules.activation.Sigmoid", false)]
    public void DenseModulesFollowThePooling(string activation, bool hasBias)
    {
        string path = WriteDense(activation, hasBias, out float[] first, out float[] second, out float[] bias);
        using EmbeddingModel model = EmbeddingModel.Load(path);
        Assert.Equal((3, true), (model.Width, model.Normalizes));
        double[][] expected = [.. Expected("mean_tokens").Select(x =>
        {
            double[] middle = Layer(first, x, hasBias ? bias : null, activation), y = Layer(second, middle, null, "Identity");
            double length = Math.Sqrt(y.Sum(value => value * value));
            return y.Select(value => value / length).ToArray();
        })];
        Check(model.Embed(LookingGolden.Texts), expected);
    }

    [Theory]
    [InlineData("\"out_features\": 5", "\"out_features\": 6", "the tensor 'linear.weight' has shape [5, 32], but the config asks for [6, 32]")]
    [InlineData("\"in_features\": 32", "\"in_features\": 31", "the tensor 'linear.weight' has shape [5, 32], but the config asks for [5, 31]")]
    [InlineData("\"bias\": true", "\"bias\": false", "it must hold linear.weight and, with a bias, linear.bias alone, but it has 2 tensors")]
    [InlineData("activation.Tanh", "activation.GLU", "'torch.nn.modules.activation.GLU' is not one of Identity, Tanh, ReLU, Sigmoid")]
    [InlineData("torch.nn.modules", "mine", "'mine.activation.Tanh' is not one of Identity")]
    [InlineData("\"bias\"", "\"slope\": 1, \"bias\"", "\"slope\" is not known")]
    public void ADenseModuleThatIsNotKnownIsRefusedByName(string was, string now, string says)
    {
        string path = WriteDense("torch.nn.modules.activation.Tanh", hasBias: true, out _, out _, out _), config = folder["2_Dense/config.json"];
        folder.Write("2_Dense/config.json", File.ReadAllText(config).Replace(was, now, StringComparison.Ordinal));
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DenseModulesMustFollowEachOther()
    {
        string path = WriteDense("torch.nn.modules.activation.Tanh", hasBias: true, out _, out _, out _), list = folder["modules.json"];
        folder.Write("modules.json", File.ReadAllText(list).Replace("2_Dense", "3_Dense", StringComparison.Ordinal));
        Assert.Contains("a Dense module takes 5 numbers, but there are 32", Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(path)).Message,
            StringComparison.Ordinal);
        File.Delete(folder["3_Dense/model.safetensors"]);
        Assert.Contains("has neither model.safetensors nor pytorch_model.bin", Assert.Throws<FileNotFoundException>(() => EmbeddingModel.Load(path)).Message,
            StringComparison.Ordinal);
    }

    // Pooled means of 32 columns, 5 with a bias, 3 without one, normalized.
    private string WriteDense(string activation, bool hasBias, out float[] first, out float[] second, out float[] bias)
    {
        string path = LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"), ["Transformer", "Pooling", "Dense", "Dense", "Normalize"]);
        folder.Write("modules.json", File.ReadAllText(folder["modules.json"]));
        (float[] one, float[] two, float[] three) = (Numbers(5 * 32, 1), Numbers(3 * 5, 2), Numbers(5, 3));
        (first, second, bias) = (one, two, three);
        string flag = hasBias ? "true" : "false";
        folder.Write("2_Dense/config.json", $$"""{"in_features": 32, "out_features": 5, "bias": {{flag}}, "activation_function": "{{activation}}"}""");
        folder.Write("3_Dense/config.json", """{"in_features": 5, "out_features": 3, "bias": false, "activation_function": "torch.nn.modules.linear.Identity"}""");
        SafetensorsTensor[] tensors = [new("linear.weight", [5, 32], () => one), new("linear.bias", [5], () => three)];
        SafetensorsWriter.Write(folder["2_Dense/model.safetensors"], tensors[..(hasBias ? 2 : 1)]);
        SafetensorsWriter.Write(folder["3_Dense/model.safetensors"], [new("linear.weight", [3, 5], () => two)]);
        return path;
    }

    private static float[] Numbers(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => MathF.Sin(i * 0.7f + seed) / 2)];

    private static double[] Layer(float[] weight, double[] x, float[]? bias, string activation)
    {
        double[] y = new double[weight.Length / x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            double sum = Enumerable.Range(0, x.Length).Sum(j => weight[i * x.Length + j] * x[j]) + (bias?[i] ?? 0);
            y[i] = activation[(activation.LastIndexOf('.') + 1)..] switch
            {
                "Tanh" => Math.Tanh(sum),
                "ReLU" => sum > 0 ? sum : 0,
                "Sigmoid" => 1 / (1 + Math.Exp(-sum)),
                _ => sum,
            };
        }
        return y;
    }

    [Fact]
    public void WrongCallsAreExceptions()
    {
        using EmbeddingModel model = EmbeddingModel.Load(LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"),
            lengths: """{"max_seq_length": 3}"""));
        Assert.Empty(model.Embed([]));
        Assert.Throws<ArgumentNullException>(() => model.Embed(null!));
        Assert.ThrowsAny<ArgumentException>(() => model.Embed([null!]));
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => model.Embed(["a"], cancellation: source.Token));
        Assert.Single(model.Embed(["a"]));
        Assert.Throws<ArgumentException>(() => EmbeddingModel.Similarity([1], [1, 2]));
        Assert.Equal(1, EmbeddingModel.Similarity([1, 2], [2, 4]), 1e-15);
        Assert.Equal(-1, EmbeddingModel.Similarity([3, 4], [-3, -4]), 1e-15);
        Assert.Equal(0, EmbeddingModel.Similarity([0, 0], [1, 2]));
        folder.Write("sentence_bert_config.json", """{"max_seq_length": 7, "window": 3}""");
        Assert.Contains("\"window\" is not known", Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(folder[""])).Message, StringComparison.Ordinal);
        using TemporaryFolder other = new();
        Assert.Contains("an encoder and a decoder", Assert.Throws<InvalidDataException>(() => EmbeddingModel.Load(LookingGolden.WriteModel(other, "t5"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AModelMayLieInAFolderBesideItsModules()
    {
        float[] vector = Vector(LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens")));
        Directory.CreateDirectory(folder["0_Transformer"]);
        foreach (string name in (string[])["config.json", "model.safetensors", "vocab.txt"])
            File.Move(folder[name], folder[Path.Combine("0_Transformer", name)]);
        folder.Write("modules.json", File.ReadAllText(folder["modules.json"]).Replace("\"path\": \"\"", "\"path\": \"0_Transformer\"", StringComparison.Ordinal));
        Assert.Equal(vector, Vector(folder[""]));

        static float[] Vector(string path)
        {
            using EmbeddingModel model = EmbeddingModel.Load(path);
            return model.Embed(["the cat sat"])[0];
        }
    }

    [Fact]
    public void WeightsThatAreNoNumbersAreSaid()
    {
        LookingGolden.WriteBert(folder, LookingGolden.Pooling("mean_tokens"));
        using (Lemma.Models.Model broken = Lemma.Checkpoints.ModelFolder.Read(folder[""]))
        {
            broken.Parameters.Weights(broken.Parameters.All.First(parameter => parameter.Name == "blocks.0.attention.qkv.weight"))[0] = float.NaN;
            Lemma.Checkpoints.ModelFolder.WriteInto(folder[""], broken);
        }
        using EmbeddingModel model = EmbeddingModel.Load(folder[""]);
        Assert.Equal("embed: the vector of text 1 of 1 is not finite", Assert.Throws<ArgumentException>(() => model.Embed(["the cat"])).Message);
        using ModelView view = ModelView.Load(folder[""]);
        Assert.Equal("attention: layer 0 has weights that are not numbers", Assert.Throws<ArgumentException>(() => view.Attention("the cat", 0)).Message);
        Assert.Equal("lens: the logit of the id 0 is NaN", Assert.Throws<ArgumentException>(() => view.Lens("the cat")).Message);
    }

    [Fact]
    public void TrainedSentenceEncodersGiveTheVectorsOfTransformers()
    {
        string? encoders = Environment.GetEnvironmentVariable("LEMMA_ENCODERS");
        if (string.IsNullOrEmpty(encoders))
            Assert.Skip("LEMMA_ENCODERS names no folder with trained sentence encoders (23 million parameters each, of other owners)");
        foreach (string file in Directory.GetFiles(encoders, "*embeddings.json", SearchOption.AllDirectories))
        {
            JsonElement expected = JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
            string way = expected.GetProperty("pooling").GetString() == "mean" ? "mean_tokens" : "cls_token";
            using TemporaryFolder copy = new();
            LookingGolden.WriteBert(copy, LookingGolden.Pooling(way).Replace("32", "384", StringComparison.Ordinal), ["Transformer", "Pooling", "Normalize"]);
            foreach (string name in (string[])["config.json", "model.safetensors", "tokenizer.json"])
                File.Copy(Path.Combine(Path.GetDirectoryName(file)!, name), copy[name], overwrite: true);
            using EmbeddingModel model = EmbeddingModel.Load(copy[""]);
            string[] sentences = [.. expected.GetProperty("sentences").EnumerateArray().Select(text => text.GetString()!)];
            float[][] vectors = model.EmbedCut(sentences, out int cut);
            Assert.Equal(sentences.Count(text => text.Length > 2000), cut);
            for (int i = 0; i < sentences.Length; i++)
            {
                double[] wanted = LookingGolden.Numbers(expected.GetProperty("vectors")[i]);
                Assert.True(vectors[i].Zip(wanted, (a, b) => Math.Abs(a - b)).Max() < 1e-5, $"{file}: {sentences[i]}");
            }
        }
    }

    private static double[][] Expected(string way) =>
        [.. LookingGolden.Root.GetProperty("pooled").GetProperty(way).EnumerateArray().Select(LookingGolden.Numbers)];

    private static void Check(float[][] vectors, double[][] expected)
    {
        Assert.Equal(expected.Length, vectors.Length);
        for (int i = 0; i < vectors.Length; i++)
        {
            Assert.Equal(expected[i].Length, vectors[i].Length);
            double worst = vectors[i].Zip(expected[i], (a, b) => Math.Abs(a - b)).Max();
            Assert.True(worst < 1e-5, $"text {i}: off by {worst:E2}");
        }
    }

    private sealed class Counting : IProgress<int>
    {
        public List<int> Values { get; } = [];

        public void Report(int value) => Values.Add(value);
    }
}
