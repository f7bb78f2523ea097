namespace Lemma.Formulas;

/// <summary>η_t = η until T − D, then η·(m + (1 − m)·(T − t)/D).</summary>
/// <remarks>
/// t: step; T: total_steps; w: warmup, over which the rate rises in a line; constant, then linear over the last decay steps. Hu et al.
/// 2024, MiniCPM, eq. 1.
/// </remarks>
public static class StableDecayRate
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "schedule_warmup_stable_decay",
        Group = "Schedules",
        Text = "η_t = η until T − D, then η·(m + (1 − m)·(T − t)/D)",
        Latex = """
            \eta_t = \begin{cases} \eta\cdot\frac{t}{w} & t\lt w \cr \eta & w\le t\le T - D \cr \eta (m + (1 - m) q) & t\gt T - D \end{cases}
            q = \max\left(0, \frac{T - t}{D}\right)
            """,
        Shapes = "step (t), η_t: any shape",
        Symbols = "t: step; learning_rate (η), total_steps (T), warmup (w): η·t/w before its end; decay (D), a tenth of T; minimum (m)",
        Source = "Hu et al. 2024, MiniCPM, eq. 1",
        Gradient = "None: steps are whole numbers",
        Notes = "Constant, then linear over the last decay steps.",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "step:0,5,10,55,100 total_steps=100 warmup=10 decay=20 learning_rate=0.001",
        Plot = new FormulaPlot("step", 0, 100, "total_steps=100 warmup=10 decay=20"),
        Evaluate = Evaluate,
    };

    /// <summary>The share of the peak rate at a step.</summary>
    public static double Share(in ScheduleNumbers s, double step) =>
        step < s.Warmup ? step / s.Warmup : step <= s.Steps - s.Decay ? 1 : s.Minimum + (1 - s.Minimum) * Math.Max(0,
            (s.Steps - step) / s.Decay);

    private static Values Evaluate(FormulaCall call) => ScheduleNumbers.Evaluate(call, "schedule_warmup_stable_decay",
        static (s, step) => Share(s, step));
}
