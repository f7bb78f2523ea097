namespace Lemma.Formulas;

/// <summary>η_t = η·√(w/t).</summary>
/// <remarks>
/// t: step; T: total_steps; w: warmup, over which the rate rises in a line; w: warmup, at least 1. Vaswani et al. 2017, eq. 3.
/// </remarks>
public static class InverseRootRate
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "schedule_inverse_square_root",
        Group = "Schedules",
        Text = "η_t = η·√(w/t)",
        Latex = @"\eta_t = \begin{cases} \eta\cdot\frac{t}{w} & t\lt w \cr \eta\sqrt{\frac{w}{t}} & t\ge w \end{cases}",
        Shapes = "step (t), η_t: any shape",
        Symbols = "t: step; learning_rate (η), total_steps (T), warmup (w): η·t/w before its end; decay (D), a tenth of T; minimum (m)",
        Source = "Vaswani et al. 2017, eq. 3",
        Gradient = "None: steps are whole numbers",
        Notes = "w counts as 1 where it is less.",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "step:0,5,10,55,100 total_steps=100 warmup=10 decay=20 learning_rate=0.001",
        Plot = new FormulaPlot("step", 0, 100, "total_steps=100 warmup=10 decay=20"),
        Evaluate = Evaluate,
    };

    /// <summary>The share of the peak rate at a step.</summary>
    public static double Share(in ScheduleNumbers s, double step) =>
        step < s.Warmup ? step / s.Warmup : Math.Sqrt(Math.Max(1, s.Warmup) / Math.Max(step, Math.Max(1, s.Warmup)));

    private static Values Evaluate(FormulaCall call) => ScheduleNumbers.Evaluate(call, "schedule_inverse_square_root",
        static (s, step) => Share(s, step));
}
