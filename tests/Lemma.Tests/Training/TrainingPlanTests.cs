using Lemma.Compute;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Tests.Training;

/// <summary>A plan counts what a run takes.</summary>
public class TrainingPlanTests
{
    [Fact]
    public void ParametersTokensAndMemoryAreThoseOfTheRun()
    {
        using Decoder model = RecipeTests.Model();
        using Workers workers = new(2);
        SupervisedTuning recipe = new(model, RecipeTests.Examples(20), RecipeTests.Examples(20), new SupervisedTuningOptions { RowsOfPass = 64 });
        TrainingOptions options = new() { Steps = 1000, Accumulate = 2, EvaluateEvery = 300, AverageDecay = 0.9 };
        TrainingPlan plan = TrainingPlan.Measure(recipe, options, workers);
        long count = model.Parameters.Count, block = 4 * model.Parameters.BlockLength;
        Assert.Equal((count, count, 1000, 4), (plan.Parameters, plan.Trained, plan.Steps, plan.Evaluations));
        Assert.Equal((block, block, 8 * count, block), (plan.WeightBytes, plan.GradientBytes, plan.MomentBytes, plan.AverageBytes));
        Assert.InRange(plan.TokensOfStep, 64, 128);
        Assert.Equal(1000 * plan.TokensOfStep, plan.Tokens);
        Assert.Equal(recipe.PlaceAfter(2000).Epochs, plan.Epochs);
        // At least the rows of the residual stream, and their gradients.
        Assert.InRange(plan.ActivationBytes, 64 * 4 * model.Config.Width, 64 << 20);
        Assert.True(plan.TimeOfStep > TimeSpan.Zero && plan.Time >= 1000 * plan.TimeOfStep);
        Assert.Equal(plan.WeightBytes + plan.GradientBytes + plan.MomentBytes + plan.AverageBytes + plan.ActivationBytes, plan.Bytes);
        TrainingPlan momentum = TrainingPlan.Measure(recipe, options with { AverageDecay = null, Optimizer = new GradientDescentOptions { Momentum = 0.9 } }, workers);
        Assert.Equal((4 * count, 0), (momentum.MomentBytes, momentum.AverageBytes));
        Assert.Throws<ArgumentException>(() => TrainingPlan.Measure(recipe, options, workers, tried: 0));
    }
}
