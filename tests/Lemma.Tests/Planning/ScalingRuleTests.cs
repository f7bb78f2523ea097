using Lemma.Planning;

namespace Lemma.Tests.Planning;

/// <summary>Laws of scaling give what was published, and least losses are least.</summary>
public class ScalingRuleTests
{
    public static TheoryData<double> Budgets => [1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24];

    [Theory, MemberData(nameof(Budgets))]
    public void TheOptimumIsTheLeastLossOfABudget(double compute)
    {
        foreach (ScalingRule rule in (ScalingRule[])[ScalingRule.Hoffmann, ScalingRule.Besiroglu])
        {
            ScalingOptimum best = rule.Optimum(compute);
            Assert.Equal(compute, best.Compute, compute * 1e-12);
            // Every size around it is worse, and a fine search ends at the same size.
            double least = Enumerable.Range(-4000, 8001).Select(i => best.Parameters * Math.Exp(i / 1000.0)).MinBy(n => rule.Loss(n, compute / (6 * n)));
            Assert.Equal(1, least / best.Parameters, 1e-3);
            Assert.Equal(best.Loss, rule.Loss(best.Parameters, best.Tokens));
            // D ∝ N^(α/β): near 1, not 0.74.
            ScalingOptimum more = rule.Optimum(10 * compute);
            Assert.Equal(rule.ParameterExponent / rule.TokenExponent, Math.Log(more.Tokens / best.Tokens) / Math.Log(more.Parameters / best.Parameters), 1e-9);
        }
    }

    // Hoffmann et al. 2022, section D.3: N* ∝ C^0.46 and D* ∝ C^0.54 (0.45 and 0.55 with rounded exponents). Besiroglu et al. 2024, section 4:
    // C^0.51, about 20 tokens a parameter, where the first fit has about 70 at Chinchilla's budget of 5.76·10²³ operations.
    [Fact]
    public void TheOptimumIsThePublishedOne()
    {
        Assert.Equal(0.4516, ScalingRule.Hoffmann.ParameterGrowth, 1e-4);
        Assert.Equal(0.5126, ScalingRule.Besiroglu.ParameterGrowth, 1e-4);
        ScalingOptimum chinchilla = ScalingRule.Besiroglu.Optimum(5.76e23);
        Assert.InRange(chinchilla.Tokens / chinchilla.Parameters, 17, 23);
        Assert.InRange(chinchilla.Parameters, 60e9, 80e9);
        ScalingOptimum first = ScalingRule.Hoffmann.Optimum(5.76e23);
        Assert.InRange(first.Tokens / first.Parameters, 60, 110);
        // The paper's own model by its own law: 70e9 parameters and 1.4e12 tokens, loss 1.94.
        Assert.Equal(1.94, ScalingRule.Hoffmann.Loss(70e9, 1.4e12), 0.01);
    }

    [Fact]
    public void KaplansLawsAreThePublishedOnes()
    {
        // A day of 10¹⁵ operations a second: 1.3e9 parameters.
        ScalingOptimum day = KaplanRule.Optimum(8.64e19);
        Assert.Equal((1.3e9, 2e10), (day.Parameters, day.Tokens));
        Assert.Equal(Math.Pow(3.1e8, 0.05), day.Loss, 1e-12);
        ScalingOptimum thousand = KaplanRule.Optimum(1000 * 8.64e19);
        Assert.Equal(Math.Pow(1000, 0.73), thousand.Parameters / day.Parameters, 1e-6);
        Assert.Equal(Math.Pow(6.4e13 / 1e9, 0.076), KaplanRule.Loss(1e9, 1e30), 1e-6);
        // The bound against overfitting is another thing than the optimum: of 70e9 parameters a third of a million million tokens.
        Assert.Equal(5e3 * Math.Pow(70e9, 0.74), KaplanRule.TokensAgainstOverfitting(70e9));
        Assert.InRange(KaplanRule.TokensAgainstOverfitting(70e9) / 70e9, 5, 8);
    }

    [Fact]
    public void WhatIsServedMakesModelsSmaller()
    {
        ScalingRule rule = ScalingRule.Besiroglu;
        ScalingOptimum alone = rule.Optimum(1e22), served = rule.Optimum(1e22, 1e12);
        Assert.True(served.Parameters < alone.Parameters && served.Tokens / served.Parameters > alone.Tokens / alone.Parameters);
        Assert.Equal(1e22, served.Compute + 2 * served.Parameters * 1e12, 1e12);
        Assert.Equal(alone.Parameters, rule.Optimum(1e22, 1).Parameters, alone.Parameters * 1e-4);
        double Total(double n) => rule.Loss(n, (1e22 / n - 2e12) / 6);
        Assert.True(Total(served.Parameters) <= Total(served.Parameters * 1.01) && Total(served.Parameters) <= Total(served.Parameters / 1.01));

        // The cheapest way to a loss without serving is the optimum of its budget.
        ScalingOptimum cheapest = rule.Cheapest(alone.Loss);
        Assert.Equal(1, cheapest.Parameters / alone.Parameters, 1e-4);
        Assert.Equal(1, cheapest.Compute / 1e22, 1e-6);
        ScalingOptimum often = rule.Cheapest(alone.Loss, 1e13);
        Assert.True(often.Parameters < alone.Parameters && often.Compute > 1e22);
        Assert.Equal(alone.Loss, rule.Loss(often.Parameters, often.Tokens), 1e-9);
        Assert.True(often.Compute + 2 * often.Parameters * 1e13 < 1e22 + 2 * alone.Parameters * 1e13);
    }

    [Fact]
    public void RepeatedTokensAreWorthLess()
    {
        ScalingRule rule = ScalingRule.Besiroglu;
        // One pass, with a model that suits the tokens or a smaller one, is as without.
        ScalingOptimum suiting = rule.Optimum(1e20);
        Assert.Equal(rule.Loss(suiting.Parameters, suiting.Tokens), rule.Loss(suiting.Parameters, suiting.Tokens, suiting.Tokens), 1e-9);
        double once = rule.Loss(1e8, 1e9, 1e9), four = rule.Loss(1e8, 4e9, 1e9), fresh = rule.Loss(1e8, 4e9), many = rule.Loss(1e8, 4e11, 1e9);
        Assert.True(once > four && four > fresh && four - fresh < 0.15 * (once - fresh) && many > rule.Loss(1e8, 1.64e10 * 1.05));
        ScalingOptimum scarce = rule.OptimumOfUnique(1e20, 1e8);
        Assert.True(scarce.Tokens > 1e8 && scarce.Loss > rule.Optimum(1e20).Loss);
        Assert.Equal(1, rule.OptimumOfUnique(1e20, 1e15).Parameters / suiting.Parameters, 1e-4);
    }

    [Fact]
    public void WrongNumbersAreRefused()
    {
        Assert.Contains("-1", Assert.Throws<ArgumentException>(() => ScalingRule.Besiroglu.Optimum(-1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ScalingRule.Besiroglu.Loss(0, 1e9));
        Assert.Throws<ArgumentException>(() => ScalingRule.Besiroglu.Optimum(1e20, double.NaN));
        Assert.Contains("1.8172", Assert.Throws<ArgumentException>(() => ScalingRule.Besiroglu.Cheapest(1.5)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ScalingRule(1, 0, 1, 1, 1).Validate());
        Assert.Throws<ArgumentException>(() => KaplanRule.Optimum(double.PositiveInfinity));
    }
}
