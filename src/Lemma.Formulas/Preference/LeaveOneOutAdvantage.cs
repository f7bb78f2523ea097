namespace Lemma.Formulas;

/// <summary>A_i = r_i − the mean of the group's other rewards.</summary>
/// <remarks>
/// r, A: [prompts, group]. A reward that is NaN was not given: its advantage is 0, and the others are taken among themselves; so is that of a reward
/// without others. Ahmadian et al. 2024, Back to basics.
/// </remarks>
public static class LeaveOneOutAdvantage
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "rloo_advantages",
        Group = "Preference",
        Text = "A_i = r_i − Σ_{j≠i} r_j/(G − 1)",
        Latex = @"A_i = r_i - \frac{1}{G - 1}\sum_{j \ne i} r_j",
        Shapes = "rewards (r), A: [prompts, group]",
        Symbols = "G: the group, answers to one prompt",
        Source = "Kool et al. 2019, Buy 4 REINFORCE samples, get a baseline for free; Ahmadian et al. 2024, Back to basics",
        Gradient = "None: advantages are constants of the policy gradient",
        Notes = "The baseline does not depend on the answer that it is taken from, so the gradient stays unbiased; A = G/(G − 1)·(r − r̄). A reward "
            + "that is NaN counts as not given, as in grpo_advantages.",
        IsDifferentiable = false,
        Example = "rewards[3,8]",
        Evaluate = Evaluate,
    };

    /// <summary>A, a row of r a group.</summary>
    public static void Forward(ReadOnlySpan<float> rewards, int group, Span<float> advantages)
    {
        Check.Rows("rloo_advantages", rewards.Length, group);
        Check.SameLength("rloo_advantages", rewards.Length, advantages.Length);
        for (int row = 0; row < rewards.Length; row += group)
        {
            double mean = 0;
            int given = group;
            foreach (float reward in rewards.Slice(row, group))
                given -= float.IsNaN(reward) ? 1 : 0;
            foreach (float reward in rewards.Slice(row, group))
                mean += float.IsNaN(reward) ? 0 : (double)reward / given;
            for (int i = row; i < row + group; i++)
                advantages[i] = given < 2 || float.IsNaN(rewards[i]) ? 0 : (float)((rewards[i] - mean) * given / (given - 1));
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values rewards = call.Input("rewards", -1, -1), y = rewards.Like();
        Forward(rewards, rewards.Columns, y);
        return y;
    }
}
