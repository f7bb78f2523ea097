namespace Lemma.Formulas;

/// <summary>η_t = η·(m + (1 − m)·(1 + cos(π·(t − w)/(T − w)))/2).</summary>
/// <remarks>
/// t: step; T: total_steps; w: warmup, over which the rate rises in a line; half a cosine down to m = minimum. Loshchilov and Hutter 2016,
/// SGDR, eq. 5.
/// </remarks>
public static class CosineRate
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "schedule_cosine",
        Group = "Schedules",
        Text = "η_t = η·(m + (1 − m)·(1 + cos(π·(t − w)/(T − w)))/2)",
        Latex = """
            \eta_t = \begin{cases} \eta\cdot\frac{t}{w} & t\lt w \cr \eta\left(m + \frac{1 - m}{2}(1 + \cos\pi p)\right) & t\ge w \end{cases}
            p = \min\left(1, \frac{t - w}{T - w}\right)
            """,
        Shapes = "step (t), η_t: any shape",
        Symbols = "t: step; learning_rate (η), total_steps (T), warmup (w): η·t/w before its end; decay (D), a tenth of T; minimum (m)",
        Source = "Loshchilov and Hutter 2016, SGDR, eq. 5",
        Gradient = "None: steps are whole numbers",
        Notes = "Half a cosine down to m = minimum.",
        IsDifferentiable = false,
        Kind = FormulaKind.Elementwise,
        Example = "step:0,5,10,55,100 total_steps=100 warmup=10 decay=20 learning_rate=0.001",
        Plot = new FormulaPlot("step", 0, 100, "total_steps=100 warmup=10 decay=20"),
        Evaluate = Evaluate,
    };

    /// <summary>The share of the peak rate at a step.</summary>
    public static double Share(in ScheduleNumbers s, double step) =>
        step < s.Warmup ? step / s.Warmup : s.Minimum + (1 - s.Minimum) * 0.5 * (1 + Math.Cos(Math.PI * s.Progress(step)));

    private static Values Evaluate(FormulaCall call) => ScheduleNumbers.Evaluate(call, "schedule_cosine",
        static (s, step) => Share(s, step));
}
