using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>What holds for recipes: losses are means over what counts, whatever shares a pass.</summary>
public class RecipeTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 400).Select(i => i * i * 37 % 61)];

    internal static TokenExample[] Examples(int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        int length = 3 + i * 7 % 29;
        return new TokenExample(Ids.AsMemory(i * 5, length), Enumerable.Range(0, length).Select(place => place > length / 2).ToArray());
    })];

    internal static Decoder Model()
    {
        Decoder model = new(Presets.Llama(61, width: 32, layers: 2, heads: 2, hidden: 48, length: 64));
        model.Initialize(3);
        return model;
    }

    [Fact]
    public void EachExampleIsReadOnceAnEpochAndPassesAreFull()
    {
        int[] rows = [.. Enumerable.Range(0, 203).Select(i => 1 + i * 37 % 50), 130];
        ExamplePacking packing = new(rows, 128, seed: 4);
        int passes = packing.PassesPerEpoch;
        Assert.True(passes <= 1.03 * rows.Sum() / 128 + 1, $"{passes} passes for {rows.Sum()} rows");
        Assert.InRange(packing.Filled, 0.96, 1.02);
        int[][] first = Epoch(0), second = Epoch(1);
        Assert.NotEqual(first.SelectMany(pass => pass), second.SelectMany(pass => pass));
        Assert.Equal(first, Epoch(0));
        Assert.Contains(first, pass => pass is [203]);
        // Alike: each as full as the others but for one example, each with long and short ones.
        int[] filled = [.. first.Where(pass => pass is not [203]).Select(pass => pass.Sum(example => rows[example]))];
        Assert.InRange(filled.Max() - filled.Min(), 0, 10);
        Assert.All(first, pass => Assert.True(pass is [203] || pass.Max(example => rows[example]) - pass.Min(example => rows[example]) > 20));

        int[][] Epoch(int epoch)
        {
            int[][] all = [.. Enumerable.Range(epoch * passes, passes).Select(pass => packing.At(pass).ToArray())];
            Assert.Equal(Enumerable.Range(0, rows.Length), all.SelectMany(pass => pass).Order());
            Assert.All(all, pass => Assert.True(pass.Length == 1 || pass.Sum(example => rows[example]) <= 128));
            return all;
        }
    }

    [Fact]
    public void PackedExamplesHaveTheLossesOfEachAlone()
    {
        using Decoder model = Model();
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        TokenExample[] examples = Examples(20);
        ExampleRows together = ExampleRows.Of(examples);
        float[] losses = tape[model.Losses(tape, together.Rows, together.Targets)].ToArray();
        List<float> alone = [];
        foreach (TokenExample example in examples)
        {
            ExampleRows rows = ExampleRows.Of([example]);
            alone.AddRange(tape[model.Losses(tape, rows.Rows, rows.Targets)]);
            tape.Rewind();
        }
        Assert.Equal(alone, losses);
        Assert.Equal(examples.Sum(example => example.Predicted), losses.Count(loss => loss != 0));
    }

    [Fact]
    public void AStepIsThatOfItsExamplesHoweverTheyAreCut()
    {
        double[] losses = [.. new[] { (Rows: 4096, Accumulate: 1), (Rows: 60, Accumulate: 0) }.Select(cut =>
        {
            using Decoder model = Model();
            using Workers workers = new(2);
            TokenExample[] examples = Examples(20);
            SupervisedTuning recipe = new(model, examples, examples, new SupervisedTuningOptions { RowsOfPass = cut.Rows });
            int passes = (int)recipe.PlaceAfter(0).Length;
            Assert.True(cut.Accumulate == 1 ? passes == 1 : passes > 4);
            TrainingOptions options = new() { Steps = 6, Accumulate = passes, LearningRate = 3e-3, EvaluateEvery = 6 };
            return new TrainingLoop(recipe, options, workers).Train().Loss;
        })];
        Assert.Equal(losses[0], losses[1], 2e-5);
    }

    [Fact]
    public void TunedExamplesAreLearned()
    {
        using Decoder model = Model();
        using Workers workers = new(2);
        TokenExample[] examples = Examples(20);
        SupervisedTuning recipe = new(model, examples, examples, new SupervisedTuningOptions { RowsOfPass = 128 });
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        double before = recipe.Judge(tape).Value;
        TrainingResult result = new TrainingLoop(recipe, new TrainingOptions { Steps = 150, LearningRate = 1e-2, EvaluateEvery = 50 }, workers).Train();
        Assert.True(before > 3.5 && result.BestScore < 0.3, $"from {before} to {result.BestScore}");
    }

    [Fact]
    public void ExamplesThatDoNotFitAreNamed()
    {
        using Decoder model = Model();
        TokenExample[] good = Examples(3);
        Named("the id 61, but the vocabulary has 61", [new TokenExample(new[] { 1, 61 })]);
        Named("training example 1 has 65 rows, but the model's longest sequence is 64", [good[0], new TokenExample(new int[66])]);
        Named("nothing is to be predicted in training example 0", [new TokenExample(new[] { 1, 2 }, new bool[2])]);
        Named("at least one example", []);
        Assert.Contains("at least 2 ids", Assert.Throws<ArgumentException>(() => new TokenExample(new[] { 1 })).Message, StringComparison.Ordinal);

        void Named(string part, TokenExample[] examples) => Assert.Contains(part,
            Assert.Throws<ArgumentException>(() => new SupervisedTuning(model, examples, good, new SupervisedTuningOptions())).Message, StringComparison.Ordinal);
    }
}
