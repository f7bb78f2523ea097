using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Oracles.Twins;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Tests.Training;

/// <summary>Vectors of texts learned from pairs: loss and gradient by the naive twin, what is learned, resuming, and what is refused.</summary>
public class SentenceTuningTests
{
    private static readonly Tokenizer Words = WordPieceTrainer.Train(StoryTasks.Similarities().Range(0, 500).SelectMany(pair => new[] { pair.First, pair.Second }),
        new WordPieceTrainerOptions { VocabularySize = 300, Score = WordPieceScore.Frequency, AlphabetSize = 60 });

    [Theory]
    [InlineData(SentenceLoss.Order, PoolingMode.Mean), InlineData(SentenceLoss.Order, PoolingMode.First), InlineData(SentenceLoss.Order, PoolingMode.Last)]
    [InlineData(SentenceLoss.Contrast, PoolingMode.Mean), InlineData(SentenceLoss.Contrast, PoolingMode.Last)]
    public void LossAndGradientAreThoseOfTheTwin(SentenceLoss loss, PoolingMode pooling)
    {
        using Encoder encoder = Bert();
        using Decoder decoder = RecipeTests.Model();
        foreach (Model model in new Model[] { encoder, decoder })
        {
            using Workers workers = new(2);
            TokenSentencePair[] pairs = [.. Enumerable.Range(0, 6).Select(i =>
                new TokenSentencePair(Ids(i, 4 + i), Ids(i + 50, 9 - i), loss == SentenceLoss.Contrast ? 1 : i % 3 / 2.0))];
            SentenceTuning recipe = new(model, pairs, pairs, new SentenceTuningOptions { Loss = loss, Pooling = pooling, Scale = 4 });
            using Tape tape = new(workers, model.Parameters);
            model.Parameters.AllocateTrainingState(moments: 0);
            LossPart part = recipe.Pass(tape, 0, new Philox(1));
            Assert.Equal(6, part.Weight);
            double value = part.Mean(tape);
            tape.Backward(part.Sum);
            Assert.Equal(value, Twin(), 1e-5);

            // Along the gradient the twin's loss grows by the gradient's length.
            float[][] slopes = [.. model.Parameters.All.Select(parameter => model.Parameters.Gradients(parameter).ToArray())];
            double length = Math.Sqrt(slopes.Sum(slope => slope.Sum(x => (double)x * x)));
            const double Step = 2e-3;
            Move(Step / length);
            double above = Twin();
            Move(-2 * Step / length);
            double below = Twin();
            Assert.InRange((above - below) / (2 * Step) / (length / 6), 0.99, 1.01);

            void Move(double by)
            {
                foreach ((Parameter parameter, int i) in model.Parameters.All.Select((parameter, i) => (parameter, i)))
                {
                    Span<float> weights = model.Parameters.Weights(parameter);
                    for (int place = 0; place < weights.Length; place++)
                        weights[place] += (float)(by * slopes[i][place]);
                }
            }

            // The pass reads its pairs in an order of its own, on which no loss depends.
            double Twin()
            {
                using Tape reading = new(workers, model.Parameters) { Recording = false };
                float[] first = [.. pairs.SelectMany(pair => Vector(reading, pair.First))], second = [.. pairs.SelectMany(pair => Vector(reading, pair.Second))];
                Dictionary<string, Values> inputs = new() { ["first"] = new([6, 32], first), ["second"] = new([6, 32], second) };
                if (loss == SentenceLoss.Order)
                    inputs.Add("scores", new([6], [.. pairs.Select(pair => (float)pair.Score)]));
                return TwinList.All[loss == SentenceLoss.Order ? "cosent" : "in_batch_contrast"](new TwinInput(inputs, new Dictionary<string, object> { ["scale"] = 4.0 }))[0];
            }

            float[] Vector(Tape reading, ReadOnlyMemory<int> ids)
            {
                Tensor hidden = model.Read(reading, Rows.One(ids));
                float[] rows = reading[hidden].ToArray();
                return [.. Enumerable.Range(0, 32).Select(column => pooling switch
                {
                    PoolingMode.First => rows[column],
                    PoolingMode.Last => rows[(ids.Length - 1) * 32 + column],
                    _ => (float)Enumerable.Range(0, ids.Length).Average(row => (double)rows[row * 32 + column]),
                })];
            }
        }
    }

    [Fact]
    public void AnEncoderLearnsHowAlikeSentencesAre()
    {
        using Encoder model = Bert();
        (double before, TrainingResult result) = Tune(model, Pairs(0, 1000), Pairs(1L << 40, 120), new SentenceTuningOptions { RowsOfPass = 512 }, steps: 120);
        Assert.True(result.BestScore > before + 0.15, $"from {before} to {result.BestScore}");
    }

    [Fact]
    public void AnEncoderLearnsWhichSentencesBelongTogether()
    {
        using Encoder model = Bert();
        TokenSentencePair[] all = [.. Pairs(0, 6000).Where(pair => pair.Score == 1)];
        (double before, TrainingResult result) = Tune(model, all[..^100], all[^100..], new SentenceTuningOptions { Loss = SentenceLoss.Contrast, RowsOfPass = 512 }, steps: 60);
        Assert.True(result.BestScore > before + 0.3, $"from {before} to {result.BestScore}");
    }

    [Fact]
    public void AnAdapterLearnsInTheModelsPlace()
    {
        using Encoder model = Bert();
        using Adapter adapter = AdapterFolder.Create(model, new AdapterConfig { Rank = 4, Alpha = 8, Targets = ["all-linear"] }, seed: 1);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        float[] weights = model.Parameters.Weights(model.Parameters.All[0]).ToArray();
        (double before, TrainingResult result) = Tune(model, Pairs(0, 500), Pairs(1L << 40, 100), new SentenceTuningOptions { RowsOfPass = 512 }, steps: 40);
        Assert.True(result.BestScore > before + 0.02, $"from {before} to {result.BestScore}");
        Assert.Equal(weights, model.Parameters.Weights(model.Parameters.All[0]).ToArray());
    }

    [Fact]
    public void ARunThatGoesOnHasTheBitsOfOneThatNeverStopped()
    {
        using TemporaryFolder folder = new();
        TokenSentencePair[] training = Pairs(0, 200), validation = Pairs(1L << 40, 40);
        Train("whole", int.MaxValue, resume: false);
        Train("parts", 5, resume: false);
        Train("parts", int.MaxValue, resume: true);
        foreach (string name in new[] { "last", "best" })
            Assert.Equal(File.ReadAllBytes(folder[$"whole/{name}/model.safetensors"]), File.ReadAllBytes(folder[$"parts/{name}/model.safetensors"]));

        void Train(string name, int stop, bool resume)
        {
            using Encoder model = resume ? (Encoder)ModelFolder.Read(folder[$"{name}/last"], 0.1f) : Bert(dropout: 0.1f);
            using Workers workers = new(resume ? 1 : 2);
            using CancellationTokenSource source = new();
            SentenceTuning recipe = new(model, training, validation, new SentenceTuningOptions { RowsOfPass = 256 });
            TrainingOptions options = new() { Steps = 12, LearningRate = 1e-3, EvaluateEvery = 4 };
            TrainingLoop loop = new(recipe, options, workers) { Folder = folder[name] };
            loop.Train(resume, new Stopping(progress => { if (progress.Step >= stop) source.Cancel(); }), source.Token);
        }
    }

    [Fact]
    public void PairsThatDoNotFitAreNamed()
    {
        using Encoder model = Bert();
        TokenSentencePair good = new(new[] { 1, 2 }, new[] { 3 }, 0), other = good with { Score = 1 };
        Named("pairs: a score must lie in [0, 1], but that of training pair 1 is 1.5", [good, good with { Score = 1.5 }]);
        Named("a score must lie in [0, 1], but that of training pair 1 is NaN", [good, good with { Score = double.NaN }]);
        Named("training pair 1 has a text of 0 tokens, but the model reads 1 to 32", [good, other with { Second = default }]);
        Named("training pair 0 has a text of 33 tokens", [other with { First = new int[33] }, good]);
        Named("training pair 1 has the id 300, but the vocabulary has 300", [good, other with { First = new[] { 300 } }]);
        Named("at least two pairs for training, but there are 1", [good]);
        Named("all pairs for training have the score 1, so they have no order", [other, other]);
        SentenceTuningOptions contrast = new() { Loss = SentenceLoss.Contrast };
        Named("contrast learns from pairs that go together, with a score of 1, but that of training pair 0 is 0", [good, other], contrast, [other, other]);
        Named("pair 2 is alone in one of 6 rows", [other, other, other with { First = new[] { 1, 2, 3, 4, 5 } }], contrast with { RowsOfPass = 6 }, [other, other]);
        Named("no two for validation fit 6 rows", [other, other], contrast with { RowsOfPass = 6 }, [other with { First = new int[5] }, other with { First = new int[5] }]);
        Named("the scale must be above 0, but it is 0", [good, other], new() { Scale = 0 });
        Named("rows must be pooled by their mean, the first or the last, but it is Maximum", [good, other], new() { Pooling = PoolingMode.Maximum });
        Named("a pass must have at least one row, but it has 0", [good, other], new() { RowsOfPass = 0 });

        void Named(string problem, TokenSentencePair[] pairs, SentenceTuningOptions? options = null, TokenSentencePair[]? validation = null) => Assert.Contains(problem,
            Assert.Throws<ArgumentException>(() => new SentenceTuning(model, pairs, validation ?? [good, other], options ?? new())).Message, StringComparison.Ordinal);
    }

    private static (double Before, TrainingResult Result) Tune(Model model, TokenSentencePair[] training, TokenSentencePair[] validation, SentenceTuningOptions options, int steps)
    {
        using Workers workers = new(2);
        SentenceTuning recipe = new(model, training, validation, options);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        double before = recipe.Judge(tape).Value;
        return (before, new TrainingLoop(recipe, new TrainingOptions { Steps = steps, LearningRate = 5e-3, EvaluateEvery = steps / 2 }, workers).Train());
    }

    private static Encoder Bert(float dropout = 0)
    {
        EncoderConfig config = Presets.Bert(300, width: 32, layers: 1, heads: 2, hidden: 64, length: 32);
        Encoder model = new(config with { Dropout = dropout });
        model.Initialize(3);
        return model;
    }

    private static TokenSentencePair[] Pairs(long first, int count) => [.. StoryTasks.Similarities().Range(first, count)
        .Select(pair => new TokenSentencePair(Words.Encode(pair.First), Words.Encode(pair.Second), pair.Score))];

    private static ReadOnlyMemory<int> Ids(int seed, int count) => Enumerable.Range(0, count).Select(place => new Philox((ulong)seed).Below(61, (ulong)place)).ToArray();

    private sealed class Stopping(Action<TrainingProgress> then) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => then(value);
    }
}
