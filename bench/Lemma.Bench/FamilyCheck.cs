using System.Globalization;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Planning;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

namespace Lemma.Bench;

/// <summary>A family of five sizes is trained on the built-in stories, a law fitted to what they came to, and its prediction of a sixth held to what that
/// comes to.</summary>
internal static class FamilyCheck
{
    private const int Vocabulary = 512, Length = 128, Batch = 8, TokenizerStories = 2000, FirstJudged = 1_000_000, Judged = 400;
    private const string End = "<|endoftext|>";
    private static readonly int[] Widths = [32, 48, 64, 96, 128], Steps = [400, 800, 1600];
    private static readonly (int Width, int Steps) Sixth = (192, 2400);

    /// <summary>The exit code is 1 where the sixth is outside its interval.</summary>
    public static int Run()
    {
        StorySource source = new(1);
        Tokenizer tokenizer = BpeTrainer.Train(source.Range(0, TokenizerStories).Select(story => story.Text),
            new BpeTrainerOptions { VocabularySize = Vocabulary, SpecialTokens = [End] });
        TokenDataset validation = Pack(source.Range(FirstJudged, Judged));
        TokenDataset training = Pack(source.Range(0, 20_000));
        using Workers workers = new();
        List<ScalingRun> runs = [.. from width in Widths from steps in Steps select Train(width, steps)];
        ScalingFit fit = ScalingFit.To(runs);
        foreach ((string name, Interval interval) in ((string, Interval)[])[("E", fit.Irreducible), ("α", fit.ParameterExponent), ("β", fit.TokenExponent)])
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {interval.Value:0.000}, {interval.Least:0.000} to {interval.Most:0.000}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"scatter {100 * fit.Scatter:0.00} %"));
        ScalingRun sixth = Train(Sixth.Width, Sixth.Steps);
        Interval predicted = fit.Predict(sixth.Parameters, sixth.Tokens);
        bool holds = predicted.Holds(sixth.Loss);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the sixth: {predicted.Value:0.0000} predicted, {predicted.Least:0.0000} to ")
            + string.Create(CultureInfo.InvariantCulture, $"{predicted.Most:0.0000}; {sixth.Loss:0.0000} measured, {(holds ? "inside" : "outside")}"));
        return holds ? 0 : 1;

        TokenDataset Pack(IEnumerable<Story> stories) => TokenDataset.Pack(stories.Select(story => tokenizer.Encode(story.Text)), tokenizer.IdOf(End));

        ScalingRun Train(int width, int steps)
        {
            DecoderConfig config = Presets.Llama(tokenizer.VocabularySize, width, 3, width / 16, width * 11 / 4, Length);
            using Decoder model = new(config with { Head = new HeadConfig(Tied: true) });
            model.Initialize(1);
            Pretraining recipe = new(model, training, validation, new PretrainingOptions { Batch = Batch, Length = Length, EvaluationBatches = null });
            TrainingOptions options = new()
            {
                Steps = steps,
                LearningRate = 4e-3 * Math.Sqrt(32.0 / width),
                Schedule = new CosineSchedule { Warmup = 50, Minimum = 0.02 },
                EvaluateEvery = steps,
            };
            TrainingResult result = new TrainingLoop(recipe, options, workers).Train();
            ScalingRun run = new(model.Parameters.Count, (double)steps * Batch * Length, result.BestScore!.Value);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{width,4} wide, {run.Parameters,9:#,0} parameters, {run.Tokens,10:#,0} tokens: {run.Loss:0.0000}"));
            return run;
        }
    }
}
