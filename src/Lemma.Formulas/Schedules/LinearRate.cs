namespace Lemma.Formulas;

/// <summary>η_t = η·(1 − (1 − m)·(t − w)/(T − w)).</summary>
/// <remarks>
/// t: step; T: total_steps; w: warmup, over which the rate rises in a line; linear to 0, or to minimum. Devlin et al. 2018, appendix A.2.
/// </remarks>
public static class LinearRate
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "schedule_linear",
        Group = "Schedules",
        Text = "η_t = η·(1 − (1 − m)·(t − w)/(T − w))",
        Latex = """
            \eta_t = \begin{cases} \eta\cdot\frac{t}{w} & t\lt w \cr \eta\left(1 - (1 - m) p\right) & t\ge w \end{cases}
            p = \min\left(1, \frac{t - w}{T - w}\right)
            """,
        Shapes = "step (t), η_t: any shape",
        Symbols = "t: step; learning_rate (η), total_steps (T), warmup (w): η·t/w before its end; decay (D), a tenth of T; minimum (m)",
        Source = "Devlin et al. 2018, appendix A.2",
        Gradient = "None: steps are whole numbers",
        Notes = "Linear to 0, or to minimum.",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "step:0,5,10,55,100 total_steps=100 warmup=10 decay=20 learning_rate=0.001",
        Plot = new FormulaPlot("step", 0, 100, "total_steps=100 warmup=10 decay=20"),
        Evaluate = Evaluate,
    };

    /// <summary>The share of the peak rate at a step.</summary>
    public static double Share(in ScheduleNumbers s, double step) =>
        step < s.Warmup ? step / s.Warmup : 1 - (1 - s.Minimum) * s.Progress(step);

    private static Values Evaluate(FormulaCall call) => ScheduleNumbers.Evaluate(call, "schedule_linear",
        static (s, step) => Share(s, step));
}
