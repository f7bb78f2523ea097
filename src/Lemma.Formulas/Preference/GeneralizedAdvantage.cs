namespace Lemma.Formulas;

/// <summary>A_t = δ_t + γλ·A_{t+1}, δ_t = r_t + γ·V_{t+1} − V_t.</summary>
/// <remarks>
/// r: [rows, T]; V: [rows, T + 1], the last one the value after the end (0 at a terminal state); A: [rows, T]. Schulman et al. 2015, eq.
/// 16.
/// </remarks>
public static class GeneralizedAdvantage
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "gae",
        Group = "Preference",
        Text = "A_t = δ_t + γ·λ·A_{t+1}, δ_t = r_t + γ·V_{t+1} − V_t",
        Latex = @"A_t = \delta_t + \gamma\lambda A_{t+1}\qquad\delta_t = r_t + \gamma V_{t+1} - V_t",
        Shapes = "rewards (r), A: [rows, T]; values (V): [rows, T + 1]",
        Symbols = "γ, λ in [0, 1]; the last value is that after the end",
        Source = "Schulman et al. 2015, High-dimensional continuous control, eq. 16",
        Gradient = "dδ_t = dA_t + γλ·dδ_{t−1}; dr += dδ; dV_t −= dδ_t; dV_{t+1} += γ·dδ_t",
        Notes = "λ = 0 gives the one-step error, λ = 1 the return minus the value.",
        Example = "rewards[2,6] values[2,7] gamma=0.98 lambda_=0.9",
        Evaluate = Evaluate,
    };

    /// <summary>A, from the last step to the first.</summary>
    public static void Forward(ReadOnlySpan<float> rewards, ReadOnlySpan<float> values, int steps, double gamma, double lambda,
        Span<float> advantages)
    {
        Check.Rows("gae", rewards.Length, steps);
        int rows = rewards.Length / steps;
        Check.SameLength("gae", rows * (steps + 1), values.Length);
        Check.SameLength("gae", rewards.Length, advantages.Length);
        Check.That(gamma is >= 0 and <= 1 && lambda is >= 0 and <= 1, "gae",
            $"γ and λ must lie in [0, 1], but they are {gamma} and {lambda}");
        for (int row = 0; row < rows; row += Lanes.Count)
        {
            int count = Math.Min(Lanes.Count, rows - row);
            Trajectories.Forward(rewards.Slice(row * steps, count * steps), values.Slice(row * (steps + 1), count * (steps + 1)), count,
                steps, gamma, lambda, advantages.Slice(row * steps, count * steps));
        }
    }

    /// <summary>dδ_t = dA_t + γλ·dδ_{t−1}; dr_t += dδ_t; dV_t −= dδ_t; dV_{t+1} += γ·dδ_t.</summary>
    public static void Backward(ReadOnlySpan<float> dadvantages, int steps, double gamma, double lambda, Span<float> drewards,
        Span<float> dvalues)
    {
        Check.Rows("gae", dadvantages.Length, steps);
        int rows = dadvantages.Length / steps;
        Check.SameLength("gae", dadvantages.Length, drewards.Length);
        Check.SameLength("gae", rows * (steps + 1), dvalues.Length);
        for (int row = 0; row < rows; row++)
        {
            double along = 0;
            for (int t = 0; t < steps; t++)
            {
                along = dadvantages[row * steps + t] + gamma * lambda * along;
                drewards[row * steps + t] += (float)along;
                dvalues[row * (steps + 1) + t] -= (float)along;
                dvalues[row * (steps + 1) + t + 1] += (float)(gamma * along);
            }
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values rewards = call.Input("rewards", -1, -1), values = call.Input("values", rewards.Shape[0], rewards.Columns + 1),
            y = rewards.Like();
        double gamma = call.Number("gamma", 1), lambda = call.Number("lambda_", 0.95);
        Forward(rewards, values, rewards.Columns, gamma, lambda, y);
        if (call.Backward(y, out float[]? dy))
            Backward(dy, rewards.Columns, gamma, lambda, call.Gradient("rewards"), call.Gradient("values"));
        return y;
    }
}
