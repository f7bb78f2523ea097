using Lemma.Compute;
using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Tensors;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>Reward models, masked models, encoder-decoders and prefixes learn what they are meant to learn.</summary>
public class FurtherRecipeTests
{
    [Fact]
    public void ARewardModelRanksPairsThatItHasNotSeen()
    {
        using Decoder plain = RecipeTests.Model();
        using Decoder model = plain.WithScores(1);
        using Workers workers = new(2);
        // The better answer has more ids below 30.
        TokenPair[] pairs = [.. Enumerable.Range(0, 240).Select(i => new TokenPair(Answer((ulong)i, 0.8), Answer((ulong)(i + 1000), 0.4)))];
        RewardModeling recipe = new(model, pairs[..200], pairs[200..], new RewardModelingOptions { RowsOfPass = 512, CenterWeight = 0.01 });
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        Assert.Equal(0, recipe.Judge(tape).Value);
        TrainingResult result = new TrainingLoop(recipe, new TrainingOptions { Steps = 60, LearningRate = 3e-3, EvaluateEvery = 20 }, workers).Train();
        Assert.True(result.BestScore > 0.9, $"{result.BestScore} of the pairs are ranked right");
        Assert.Contains("one score a row, but it has 0", Assert.Throws<ArgumentException>(() => new RewardModeling(plain, pairs, pairs, new())).Message, StringComparison.Ordinal);

        static TokenExample Answer(ulong seed, double low)
        {
            Philox random = new(seed);
            return new TokenExample(Enumerable.Range(0, 20).Select(i => random.Below(30, (ulong)i) + (random.Uniform((ulong)i + 100) < low ? 0 : 30)).ToArray());
        }
    }

    [Theory, InlineData("kto"), InlineData("apo_zero_unpaired")]
    public void JudgedAnswersMoveTheModelTheirWay(string loss)
    {
        using Decoder model = RecipeTests.Model(), reference = RecipeTests.Model();
        using Workers workers = new(2);
        // Behind any prompt ids below 3 are good, and 40 to 42 are not.
        TokenFeedback[] answers = [.. Enumerable.Range(0, 120).Select(i =>
        {
            Philox random = new(5, (ulong)i);
            int[] ids = [.. Enumerable.Range(0, 12).Select(place => place < 4 ? random.Below(61, (ulong)place) : random.Below(3, (ulong)place) + (i % 2 == 0 ? 0 : 40))];
            return new TokenFeedback(new TokenExample(ids, Enumerable.Range(0, 12).Select(place => place >= 4).ToArray()), i % 2 == 0);
        })];
        FeedbackSet training = FeedbackSet.Compute(reference, answers[..100], workers), validation = FeedbackSet.Compute(reference, answers[100..], workers);
        Assert.Equal(training.Reference, FeedbackSet.Compute(reference, answers[..100], workers, rowsOfPass: 30).Reference);
        FeedbackTuning recipe = new(model, training, validation, new FeedbackTuningOptions { Loss = FeedbackLoss.All[loss], RowsOfPass = 512 });
        TrainingOptions options = new() { Steps = 160, LearningRate = 5e-3, Schedule = new CosineSchedule { Warmup = 10 }, EvaluateEvery = 40 };
        TrainingResult result = new TrainingLoop(recipe, options, workers).Train();
        Assert.True(result.BestScore > 0.9, $"{result.BestScore} of the answers moved their way");
        Assert.Contains("there must be good ones and others", Assert.Throws<ArgumentException>(() => new FeedbackTuning(model,
            FeedbackSet.Compute(reference, [answers[0], answers[2]], workers), validation, new FeedbackTuningOptions())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMaskedModelFillsInAndKnowsTheClassOfATextOfTwoKinds()
    {
        DecoderConfig shape = Presets.Gpt2(40, width: 32, layers: 2, heads: 4, length: 32);
        EncoderConfig config = new()
        {
            MaximumLength = 32,
            Stack = shape.WithBlocks(block => block with { Mixer = ((AttentionConfig)block.Mixer) with { Mask = MaskKind.None } }).Stack with
            {
                Embedding = shape.Stack.Embedding with { TokenTypes = 2 },
            },
            Head = new HeadConfig(Tied: true),
            Pooler = true,
            Classes = 2,
        };
        using Encoder model = new(config);
        model.Initialize(3);
        using Workers workers = new(2);
        // Ids go up by one from place to place; in a text of class 1 the second half goes down.
        MaskedText[] texts = [.. Enumerable.Range(0, 260).Select(i =>
        {
            int[] ids = [0, .. Enumerable.Range(0, 9).Select(place => 4 + (i * 7 + place) % 30), 1,
                .. Enumerable.Range(0, 9).Select(place => 4 + (i * 11 + (i % 2 == 0 ? place : 60 - place)) % 30), 1];
            return new MaskedText(ids, Enumerable.Range(0, 21).Select(place => place > 10 ? 1 : 0).ToArray(), i % 2);
        })];
        MaskedModelingOptions options = new() { Masking = new TokenMasking { MaskId = 2, SpecialIds = [0, 1], VocabularySize = 40 }, RowsOfPass = 1024 };
        MaskedModeling recipe = new(model, texts[..230], texts[230..], options);
        new TrainingLoop(recipe, new TrainingOptions { Steps = 500, LearningRate = 5e-3, EvaluateEvery = 250 }, workers).Train();
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        Score score = recipe.Judge(tape);
        Dictionary<string, double> others = score.Others.ToDictionary(metric => metric.Name, metric => metric.Value);
        Assert.True(others["validation_filled"] > 0.8 && others["validation_classes"] > 0.9,
            $"filled {others["validation_filled"]}, classes {others["validation_classes"]}, loss {score.Value}");
        Assert.Contains("the class 2, but the model has 2", Assert.Throws<ArgumentException>(() =>
            new MaskedModeling(model, [texts[0] with { Class = 2 }], texts, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFreshEncoderGuessesEachTokenAsLikely()
    {
        using Encoder model = new(Presets.Bert(500, width: 64, layers: 2, heads: 4, hidden: 256, length: 32));
        model.Initialize(3);
        using Workers workers = new(2);
        MaskedText[] texts = [.. Enumerable.Range(0, 20).Select(i => new MaskedText(Enumerable.Range(0, 30).Select(place => 4 + new Philox((ulong)i).Below(496, (ulong)place)).ToArray()))];
        MaskedModeling recipe = new(model, texts, texts, new MaskedModelingOptions { Masking = new TokenMasking { MaskId = 2, SpecialIds = [0, 1], VocabularySize = 500 } });
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        Assert.Equal(Math.Log(500), recipe.Judge(tape).Value, 0.1);
    }

    [Fact]
    public void AnEncoderAndADecoderReverseWhatTheyHaveNotSeen()
    {
        DecoderConfig shape = Presets.Llama(16, width: 48, layers: 2, heads: 4, hidden: 96, length: 24);
        AttentionConfig attention = (AttentionConfig)shape.Stack.Blocks[0].Mixer;
        EncoderDecoderConfig config = new()
        {
            MaximumLength = 24,
            Encoder = shape.WithBlocks(block => block with { Mixer = attention with { Mask = MaskKind.None } }).Stack,
            Decoder = shape.WithBlocks(block => block with { Cross = attention with { Rotary = null } }).Stack,
            Head = shape.Head,
            DecoderBeginId = 0,
        };
        using EncoderDecoder model = new(config);
        model.Initialize(3);
        using Workers workers = new(2);
        TokenSequencePair[] pairs = [.. Enumerable.Range(0, 4100).Select(i =>
        {
            Philox random = new(9, (ulong)i);
            int[] ids = [.. Enumerable.Range(0, 4 + random.Below(3, 50)).Select(place => 2 + random.Below(14, (ulong)place))];
            return new TokenSequencePair(ids, ids.Reverse().Append(1).ToArray());
        })];
        SequenceToSequence recipe = new(model, pairs[..4000], pairs[4000..], new SequenceToSequenceOptions { RowsOfPass = 512 });
        new TrainingLoop(recipe, new TrainingOptions { Steps = 700, LearningRate = 4e-3, EvaluateEvery = 700 }, workers).Train();
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        Score score = recipe.Judge(tape);
        Assert.True(score.Others[0].Value > 0.9, $"{score.Others[0].Value} of the targets are exact, loss {score.Value}");
    }

    [Theory, InlineData(DivergenceDirection.Forward, false), InlineData(DivergenceDirection.Reverse, false), InlineData(DivergenceDirection.Reverse, true)]
    public void AStudentComesToSayWhatItsTeacherSays(DivergenceDirection direction, bool isOnPolicy)
    {
        using Decoder teacher = RecipeTests.Model();
        using Decoder student = new(Presets.Llama(61, width: 16, layers: 1, heads: 2, hidden: 32, length: 64));
        student.Initialize(5);
        using Workers workers = new(2);
        TokenExample[] examples = RecipeTests.Examples(20);
        new TrainingLoop(new SupervisedTuning(teacher, examples, examples, new SupervisedTuningOptions { RowsOfPass = 256 }),
            new TrainingOptions { Steps = 60, LearningRate = 1e-2, EvaluateEvery = 60 }, workers).Train();
        float[] before = teacher.Parameters.Weights(teacher.Parameters.All[0]).ToArray();
        using Distillation recipe = new(student, teacher, examples, examples, workers,
            new DistillationOptions { Direction = direction, IsOnPolicy = isOnPolicy, LongestAnswer = 12, RowsOfPass = 256 });
        using Tape tape = new(workers, student.Parameters) { Recording = false };
        double first = recipe.Judge(tape).Value;
        // Own answers say little of the teacher at first.
        TrainingOptions options = new() { Steps = isOnPolicy ? 800 : 200, LearningRate = 1e-2, EvaluateEvery = 100 };
        TrainingResult result = new TrainingLoop(recipe, options, workers).Train();
        Assert.True(result.BestScore < 0.6 * first, $"the divergence went from {first} to {result.BestScore}");
        Assert.Equal(before, teacher.Parameters.Weights(teacher.Parameters.All[0]).ToArray());
        Assert.Contains("another model", Assert.Throws<ArgumentException>(() =>
            new Distillation(student, student, examples, examples, workers, new DistillationOptions())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APrefixSeesItselfAndIsTuned()
    {
        using Decoder model = RecipeTests.Model();
        using Workers workers = new(2);
        TokenExample[] examples = RecipeTests.Examples(20);
        ExampleRows rows = ExampleRows.Of(examples, seesPrompt: true);
        Assert.Equal(examples.Select(example => example.Counts.Span.IndexOf(true)), rows.Rows.Prefixes.ToArray());
        SupervisedTuning recipe = new(model, examples, examples, new SupervisedTuningOptions { RowsOfPass = 128, SeesPrompt = true });
        TrainingResult result = new TrainingLoop(recipe, new TrainingOptions { Steps = 150, LearningRate = 1e-2, EvaluateEvery = 50 }, workers).Train();
        Assert.True(result.BestScore < 0.3, $"{result.BestScore}");
    }

    [Fact]
    public void AnAdapterOfAnyRecipeLearnsWhileTheModelStays()
    {
        using Decoder model = RecipeTests.Model();
        using Workers workers = new(2);
        TokenExample[] others = RecipeTests.Examples(60)[20..], examples = RecipeTests.Examples(20);
        new TrainingLoop(new SupervisedTuning(model, others, others, new SupervisedTuningOptions { RowsOfPass = 256 }),
            new TrainingOptions { Steps = 200, LearningRate = 1e-2, EvaluateEvery = 200 }, workers).Train();
        float[][] before = [.. model.Parameters.All.Select(parameter => model.Parameters.Weights(parameter).ToArray())];
        using Lemma.Weights.Adapter adapter = Lemma.Checkpoints.AdapterFolder.Create(model,
            new Lemma.Checkpoints.AdapterConfig { Rank = 8, Alpha = 16, Targets = ["all-linear"], DividesByRoot = true }, seed: 2);
        adapter.Apply();
        model.Parameters.IsFrozen = true;
        SupervisedTuning recipe = new(model, examples, examples, new SupervisedTuningOptions { RowsOfPass = 128 });
        Assert.Same(adapter.Parameters, recipe.Learning);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        double unlearned = recipe.Judge(tape).Value;
        TrainingResult result = new TrainingLoop(recipe, new TrainingOptions { Steps = 200, LearningRate = 1e-2, EvaluateEvery = 50 }, workers).Train();
        Assert.True(result.BestScore < 0.5 * unlearned, $"from {unlearned} to {result.BestScore}");
        Assert.Equal(before, model.Parameters.All.Select(parameter => model.Parameters.Weights(parameter).ToArray()));
        double applied = recipe.Judge(tape).Value;
        adapter.Merge();
        Assert.Equal(applied, recipe.Judge(tape).Value, 1e-5);
    }
}
