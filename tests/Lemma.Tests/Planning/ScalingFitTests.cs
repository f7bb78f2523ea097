using Lemma.Formulas;
using Lemma.Planning;

namespace Lemma.Tests.Planning;

/// <summary>A fit finds the numbers that made the runs, and says how far it may be off.</summary>
public class ScalingFitTests
{
    public static TheoryData<string> Laws => ["besiroglu", "hoffmann", "small"];

    private static ScalingRule RuleOf(string name) => name switch
    {
        "besiroglu" => ScalingRule.Besiroglu,
        "hoffmann" => ScalingRule.Hoffmann,
        _ => new ScalingRule(0.9, 60, 900, 0.3, 0.4),
    };

    private static ScalingRun[] Runs(ScalingRule rule, double noise, ulong seed)
    {
        Philox random = new(seed);
        List<ScalingRun> runs = [];
        foreach (double n in (double[])[1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9])
        {
            foreach (double tokens in (double[])[2, 5, 10, 20, 50, 100])
            {
                double loss = rule.Loss(n, tokens * n) * Math.Exp(noise * random.Normal((ulong)runs.Count));
                runs.Add(new ScalingRun(n, tokens * n, loss));
            }
        }
        return [.. runs];
    }

    [Theory, MemberData(nameof(Laws))]
    public void RunsWithoutNoiseGiveTheLaw(string name)
    {
        ScalingRule rule = RuleOf(name), fitted = ScalingFit.To(Runs(rule, 0, 1), new ScalingFitOptions { Resamples = 20 }).Rule;
        Assert.Equal(rule.Irreducible, fitted.Irreducible, 1e-3 * rule.Irreducible);
        Assert.Equal(rule.ParameterExponent, fitted.ParameterExponent, 1e-3);
        Assert.Equal(rule.TokenExponent, fitted.TokenExponent, 1e-3);
        Assert.Equal(1, fitted.ParameterScale / rule.ParameterScale, 0.01);
        Assert.Equal(1, fitted.TokenScale / rule.TokenScale, 0.01);
    }

    [Theory, MemberData(nameof(Laws))]
    public void IntervalsHoldTheLaw(string name)
    {
        ScalingRule rule = RuleOf(name);
        ScalingFit fit = ScalingFit.To(Runs(rule, 0.005, 7));
        Assert.True(fit.Irreducible.Holds(rule.Irreducible), $"{fit.Irreducible} {rule.Irreducible}");
        Assert.True(fit.ParameterScale.Holds(rule.ParameterScale), $"{fit.ParameterScale} {rule.ParameterScale}");
        Assert.True(fit.TokenScale.Holds(rule.TokenScale), $"{fit.TokenScale} {rule.TokenScale}");
        Assert.True(fit.ParameterExponent.Holds(rule.ParameterExponent), $"{fit.ParameterExponent} {rule.ParameterExponent}");
        Assert.True(fit.TokenExponent.Holds(rule.TokenExponent), $"{fit.TokenExponent} {rule.TokenExponent}");
        // And are no wider than is of use.
        Assert.InRange(fit.ParameterExponent.Most - fit.ParameterExponent.Least, 0.001, 0.2);
        Assert.Equal(0.005, fit.Scatter, 0.0025);

        Interval predicted = fit.Predict(2e10, 4e11);
        Assert.True(predicted.Holds(rule.Loss(2e10, 4e11)), $"{predicted} {rule.Loss(2e10, 4e11)}");
        Assert.InRange(predicted.Most / predicted.Least, 1.001, 1.15);
        Interval size = fit.Of(law => law.Optimum(1e22).Parameters);
        Assert.True(size.Holds(rule.Optimum(1e22).Parameters), $"{size}");
    }

    [Fact]
    public void TheSameRunsGiveTheSameBits()
    {
        ScalingRun[] runs = Runs(ScalingRule.Besiroglu, 0.01, 3);
        ScalingFitOptions few = new() { Resamples = 30 };
        ScalingFit first = ScalingFit.To(runs, few), again = ScalingFit.To(runs, few), other = ScalingFit.To(runs, few with { Seed = 2 });
        Assert.Equal(first.Rule, again.Rule);
        Assert.Equal(first.TokenScale, again.TokenScale);
        Assert.Equal(first.Predict(1e10, 1e11), again.Predict(1e10, 1e11));
        Assert.Equal(first.Rule, other.Rule);
        Assert.NotEqual(first.TokenScale, other.TokenScale);
    }

    [Fact]
    public void AnOutlierMovesLittle()
    {
        ScalingRun[] runs = Runs(ScalingRule.Besiroglu, 0.002, 5);
        ScalingFitOptions few = new() { Resamples = 20 };
        ScalingRule clean = ScalingFit.To(runs, few).Rule;
        runs[13] = runs[13] with { Loss = 2 * runs[13].Loss };
        ScalingRule spoilt = ScalingFit.To(runs, few).Rule;
        Assert.Equal(clean.ParameterExponent, spoilt.ParameterExponent, 0.02);
        Assert.Equal(1, spoilt.Loss(1e10, 2e11) / clean.Loss(1e10, 2e11), 0.005);
    }

    [Fact]
    public void RunsThatSayTooLittleAreRefused()
    {
        ScalingRun[] runs = Runs(ScalingRule.Besiroglu, 0, 1);
        Assert.Contains("at least 6 runs, but there are 5", Assert.Throws<ArgumentException>(() => ScalingFit.To(runs[..5])).Message, StringComparison.Ordinal);
        Assert.Contains("1 and 6", Assert.Throws<ArgumentException>(() => ScalingFit.To(runs[..6])).Message, StringComparison.Ordinal);
        runs[3] = runs[3] with { Loss = double.NaN };
        Assert.Contains("run 4", Assert.Throws<ArgumentException>(() => ScalingFit.To(runs)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ScalingFit.To(runs[4..], new ScalingFitOptions { Share = 1 }));
    }
}
