namespace Lemma.Formulas;

/// <summary>A_i = (r_i − mean r)/(std r + ε) within a group of samples of one prompt.</summary>
/// <remarks>
/// r, A: [prompts, group]; std divides by group − 1. A group whose rewards are equal gives 0, and so does one of a single reward. A reward
/// that is NaN was not given: its advantage is 0, and the others are taken among themselves. Shao et al. 2024, DeepSeekMath, section 4.1.2.
/// </remarks>
public static class GroupAdvantage
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "grpo_advantages",
        Group = "Preference",
        Text = "A_i = (r_i − r̄)/(s + ε)",
        Latex = @"A_i = \frac{r_i - \bar r}{s + \varepsilon}\qquad s^2 = \frac{1}{G - 1}\sum_{i=1}^{G}\left(r_i - \bar r\right)^2",
        Shapes = "rewards (r), A: [prompts, group]",
        Symbols = "r̄, s: mean and standard deviation (over group − 1) of a row; ε: 1e−4",
        Source = "Shao et al. 2024, DeepSeekMath, section 4.1.2",
        Gradient = "None: advantages are constants of the policy gradient",
        Notes = "A group of equal rewards, or of one, has the advantages 0. A reward that is NaN counts as not given: its sample has the "
            + "advantage 0, and the group's other samples are taken among themselves; other groups are not touched.",
        IsDifferentiable = false,
        Example = "rewards[3,8]",
        Evaluate = Evaluate,
    };

    /// <summary>A, a row of r a group.</summary>
    public static void Forward(ReadOnlySpan<float> rewards, int group, double epsilon, Span<float> advantages)
    {
        Check.Rows("grpo_advantages", rewards.Length, group);
        Check.SameLength("grpo_advantages", rewards.Length, advantages.Length);
        for (int row = 0; row < rewards.Length; row += group)
        {
            double mean = 0, squares = 0;
            int given = group;
            foreach (float reward in rewards.Slice(row, group))
                given -= float.IsNaN(reward) ? 1 : 0;
            foreach (float reward in rewards.Slice(row, group))
                mean += float.IsNaN(reward) ? 0 : (double)reward / given;
            foreach (float reward in rewards.Slice(row, group))
                squares += float.IsNaN(reward) ? 0 : (reward - mean) * (reward - mean);
            double scale = 1 / (Math.Sqrt(squares / Math.Max(1, given - 1)) + epsilon);
            for (int i = row; i < row + group; i++)
                advantages[i] = given < 2 || float.IsNaN(rewards[i]) ? 0 : (float)((rewards[i] - mean) * scale);
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values rewards = call.Input("rewards", -1, -1), y = rewards.Like();
        Forward(rewards, rewards.Columns, call.Number("epsilon", 1e-4), y);
        return y;
    }
}
