using Lemma.Cli.Display;
using Lemma.Training;

namespace Lemma.Tests.Cli;

public class DisplayTests
{
    [Fact]
    public void TheCurveHasTheHeightsOfItsValues()
    {
        Assert.Equal(["▁▂▃▄▅▆▇█"], LossCurve.Draw([0, 1, 2, 3, 4, 5, 6, 7], width: 8, height: 1));
        Assert.Equal(["█  ", "█▁▁"], LossCurve.Draw([10, 1, 1], width: 9, height: 2));
        Assert.Equal(["█ ▁"], LossCurve.Draw([2, double.NaN, 1], width: 3, height: 1));
        Assert.Equal(["█▁"], LossCurve.Draw([4, 2, 1, 1], width: 2, height: 1));
        Assert.Equal(["▁▁"], LossCurve.Draw([3, 3], width: 2, height: 1));
        Assert.Empty(LossCurve.Draw([], width: 5, height: 3));
        Assert.Equal(["▁▅"], LossCurve.Draw([0, 4], width: 2, height: 1, scale: (0, 7)));
    }

    [Theory]
    [InlineData(0.2, "1s")]
    [InlineData(59, "59s")]
    [InlineData(61, "1:01")]
    [InlineData(3661, "1:01:01")]
    [InlineData(90000, "25:00:00")]
    public void TimesAreReadable(double seconds, string expected) => Assert.Equal(expected, Amount.Time(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0, "1.00")]
    [InlineData(5, "148")]
    [InlineData(8, "2,981")]
    [InlineData(20, "4.9e+8")]
    public void PerplexitiesAreReadable(double loss, string expected) => Assert.Equal(expected, Amount.Perplexity(loss));

    [Fact]
    public void PlainLinesComeForTheFirstTheEvaluatedAndTheLastStep()
    {
        using StringWriter output = new() { NewLine = "\n" };
        PlainTrainingView view = new(output, TimeSpan.FromHours(1), entropy: 0.5);
        view.Show(progress =>
        {
            for (int step = 1; step <= 5; step++)
                progress.Report(At(step, step == 3 ? 1.25 : null));
            return new TrainingResult(TrainingEnd.Finished, 5, 1, null, null, 1000, TimeSpan.Zero);
        });
        Assert.Equal("""
            step 1/5  loss 1.0000  reward 0.5000  12,346 tokens/s  1:05 left
            step 3/5  loss 1.0000  reward 0.5000  validation loss 1.2500 (perplexity 3.4903), 0.7500 above the source  12,346 tokens/s  1:05 left
            step 5/5  loss 1.0000  reward 0.5000  12,346 tokens/s  1:05 left

            """, output.ToString());
    }

    [Fact]
    public void TheShareOfThePeakIsThatOfTheProductsOfParameters()
    {
        MachineUse use = new(OperationsOfToken: 6e6, PeakRate: 100);
        Assert.Equal(0.12, use.Share(2000), 1e-12);
        Assert.Matches(@"^12\.0 % of the processor's peak  \d+\.\d+ [MG]B$", use.Line(2000));
        Assert.Matches(@"^\d+\.\d+ [MG]B$", MachineUse.MostMemory);
        Assert.Equal(["1.5 kB", "1.5 MB", "1.50 GB"], ((double[])[1.5e3, 1.5e6, 1.5e9]).Select(Amount.Bytes));
        using Lemma.Models.Decoder model = Training.RecipeTests.Model();
        Lemma.Data.TokenExample[] examples = Training.RecipeTests.Examples(4);
        Assert.Equal(6.0 * model.Parameters.Count, MachineUse.Operations(new SupervisedTuning(model, examples, examples, new SupervisedTuningOptions())));
        using Lemma.Weights.Adapter adapter = Lemma.Checkpoints.AdapterFolder.Create(model,
            new Lemma.Checkpoints.AdapterConfig { Rank = 2, Alpha = 4, Targets = ["all-linear"] }, seed: 2);
        adapter.Apply();
        Assert.Equal(4.0 * model.Parameters.Count + 6.0 * adapter.Parameters.Count,
            MachineUse.Operations(new SupervisedTuning(model, examples, examples, new SupervisedTuningOptions())));
        using Lemma.Models.EncoderDecoder both = new(Lemma.Models.Presets.T5(40, width: 16, layers: 1, heads: 2, hidden: 32));
        Lemma.Data.TokenSequencePair[] pairs = [new(new int[] { 2, 3 }, new int[] { 3, 1 })];
        Assert.Equal(3.0 * both.Parameters.Count, MachineUse.Operations(new SequenceToSequence(both, pairs, pairs, new SequenceToSequenceOptions())));
    }

    [Fact]
    public void PlainTablesAreAligned()
    {
        using StringWriter output = new() { NewLine = "\n" };
        ResultTable.WritePlain(output, "Done.", [("a", "1"), ("longer", "2")]);
        Assert.Equal("\nDone.\n  a       1\n  longer  2\n\n", output.ToString());
    }

    private static TrainingProgress At(long step, double? validation) => new()
    {
        Step = step,
        Steps = 5,
        Epochs = 0,
        Loss = 1,
        LearningRate = 1e-3,
        GradientNorm = 1,
        Metrics = [new("reward", 0.5)],
        Score = validation is { } loss ? new Score("validation_loss", loss, Others: [new("perplexity", Math.Exp(loss))]) : null,
        TokensPerSecond = 12345.6,
        Remaining = TimeSpan.FromSeconds(65),
    };
}
