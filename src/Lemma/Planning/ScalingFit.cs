using Lemma.Formulas;

namespace Lemma.Planning;

/// <summary>A finished run: what it was and what it came to.</summary>
/// <param name="Parameters">N.</param>
/// <param name="Tokens">D, all that were read.</param>
/// <param name="Loss">The loss, nats a token.</param>
public readonly record struct ScalingRun(double Parameters, double Tokens, double Loss);

/// <summary>A number and the bounds that hold it with some likelihood.</summary>
public readonly record struct Interval(double Value, double Least, double Most)
{
    /// <summary>Whether another number lies within the bounds.</summary>
    public bool Holds(double value) => value >= Least && value <= Most;
}

/// <summary>How a law is fitted.</summary>
public sealed record ScalingFitOptions
{
    /// <summary>How often runs are drawn again, with replacement, for the intervals.</summary>
    public int Resamples { get; init; } = 200;

    /// <summary>The share of draws that an interval holds.</summary>
    public double Share { get; init; } = 0.95;

    /// <summary>Of the draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every number; the error names the rule and the value.</summary>
    public void Validate()
    {
        Require.That(Resamples is >= 20 and <= 100_000, $"fit: runs are drawn again 20 to 100000 times, not {Resamples}");
        Require.That(Share is > 0 and < 1, $"fit: an interval holds a share in (0, 1), not {Share}");
    }
}

/// <summary>E, A, B, α and β of one's own runs, with intervals: the least Huber loss of ln L, from the best points of a grid.</summary>
/// <remarks>
/// min Σ Huber_δ(ln L(N, D) − ln L), δ = 10⁻³ (Hoffmann et al. 2022, section 3.3), by L-BFGS from the best 24 of that paper's 4,500 starts. Intervals
/// are those of runs drawn again; that of a prediction has the scatter of the runs in it as well. The same numbers for the same runs and seed.
/// </remarks>
public sealed class ScalingFit
{
    private const double Delta = 1e-3;
    private const int Starts = 24, FewestRuns = 6;
    private readonly ScalingRule[] drawn;
    private readonly double[] residuals;
    private readonly ScalingFitOptions options;

    private ScalingFit(ScalingRule rule, IReadOnlyList<ScalingRun> runs, ScalingRule[] drawn, ScalingFitOptions options)
    {
        (Rule, Runs, this.drawn, this.options) = (rule, runs, drawn, options);
        // Five numbers take up part of the scatter.
        double wide = Math.Sqrt(runs.Count / Math.Max(1.0, runs.Count - 5));
        residuals = [.. runs.Select(run => wide * Math.Log(run.Loss / rule.Loss(run.Parameters, run.Tokens)))];
    }

    /// <summary>The law.</summary>
    public ScalingRule Rule { get; }

    /// <summary>What it was fitted to.</summary>
    public IReadOnlyList<ScalingRun> Runs { get; }

    /// <summary>The root of the mean square of ln L − ln L(N, D): about the relative error.</summary>
    public double Scatter => Math.Sqrt(residuals.Average(residual => residual * residual));

    /// <summary>E.</summary>
    public Interval Irreducible => Of(rule => rule.Irreducible);

    /// <summary>A.</summary>
    public Interval ParameterScale => Of(rule => rule.ParameterScale);

    /// <summary>B.</summary>
    public Interval TokenScale => Of(rule => rule.TokenScale);

    /// <summary>α.</summary>
    public Interval ParameterExponent => Of(rule => rule.ParameterExponent);

    /// <summary>β.</summary>
    public Interval TokenExponent => Of(rule => rule.TokenExponent);

    /// <summary>The loss that a further run of N parameters and D tokens comes to.</summary>
    public Interval Predict(double parameters, double tokens)
    {
        double[] losses = new double[drawn.Length * residuals.Length];
        for (int i = 0, at = 0; i < drawn.Length; i++)
        {
            double loss = drawn[i].Loss(parameters, tokens);
            foreach (double residual in residuals)
                losses[at++] = loss * Math.Exp(residual);
        }
        return Between(Rule.Loss(parameters, tokens), losses);
    }

    /// <summary>The interval of anything that follows from the law: an optimum, an exponent.</summary>
    public Interval Of(Func<ScalingRule, double> what)
    {
        ArgumentNullException.ThrowIfNull(what);
        return Between(what(Rule), [.. drawn.Select(what)]);
    }

    /// <summary>Fits a law to runs.</summary>
    /// <exception cref="ArgumentException">The runs are too few or too alike, or a number is not above 0.</exception>
    public static ScalingFit To(IReadOnlyList<ScalingRun> runs, ScalingFitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(runs);
        options ??= new ScalingFitOptions();
        options.Validate();
        Require.That(runs.Count >= FewestRuns, $"fit: five numbers need at least {FewestRuns} runs, but there are {runs.Count}");
        for (int i = 0; i < runs.Count; i++)
        {
            Require.That(IsPositive(runs[i].Parameters) && IsPositive(runs[i].Tokens) && IsPositive(runs[i].Loss),
                $"fit: parameters, tokens and loss must be above 0 and finite, but those of run {i + 1} are {runs[i].Parameters}, {runs[i].Tokens} "
                + $"and {runs[i].Loss}");
        }
        (int sizes, int lengths) = (runs.Select(run => run.Parameters).Distinct().Count(), runs.Select(run => run.Tokens).Distinct().Count());
        Require.That(sizes >= 3 && lengths >= 3, $"fit: runs must have at least 3 different sizes and numbers of tokens, but they have {sizes} and {lengths}");
        Problem problem = new([.. runs]);
        double[][] best = problem.Fit(Grid(), Starts);
        Philox random = new(options.Seed, 1);
        ScalingRule[] drawn = new ScalingRule[options.Resamples];
        for (int i = 0; i < drawn.Length; i++)
        {
            Philox own = random.Split((ulong)i);
            ScalingRun[] again = [.. Enumerable.Range(0, runs.Count).Select(place => runs[own.Below(runs.Count, (ulong)place)])];
            Problem other = new(again);
            drawn[i] = other.RuleOf(other.Fit(best.Take(3).Select(problem.Outer), 3)[0]);
        }
        return new ScalingFit(problem.RuleOf(best[0]), [.. runs], drawn, options);
    }

    private Interval Between(double value, double[] samples)
    {
        Array.Sort(samples);
        double tail = (1 - options.Share) / 2;
        double At(double share)
        {
            double place = share * (samples.Length - 1);
            int below = (int)place;
            return below + 1 < samples.Length ? samples[below] + (place - below) * (samples[below + 1] - samples[below]) : samples[^1];
        }
        return new Interval(value, At(tail), At(1 - tail));
    }

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    // Hoffmann et al. 2022, section D.3: ln A, ln B, ln E, α, β.
    private static IEnumerable<double[]> Grid() =>
        from a in Enumerable.Range(0, 6)
        from b in Enumerable.Range(0, 6)
        from e in Enumerable.Range(-2, 5)
        from alpha in Enumerable.Range(0, 5)
        from beta in Enumerable.Range(0, 5)
        select (double[])[5 * a, 5 * b, 0.5 * e, 0.5 * alpha, 0.5 * beta];

    // Points are (ln A − α·n, ln B − β·d, ln E, α, β), n and d the means of ln N and ln D: so the five hardly depend on each other.
    private sealed class Problem
    {
        private readonly double[] sizes, tokens, losses;
        private readonly double meanSize, meanTokens;

        public Problem(ScalingRun[] runs)
        {
            (meanSize, meanTokens) = (runs.Average(run => Math.Log(run.Parameters)), runs.Average(run => Math.Log(run.Tokens)));
            sizes = [.. runs.Select(run => Math.Log(run.Parameters) - meanSize)];
            tokens = [.. runs.Select(run => Math.Log(run.Tokens) - meanTokens)];
            losses = [.. runs.Select(run => Math.Log(run.Loss))];
        }

        /// <summary>The best points that are reached from the best of some starts, given as (ln A, ln B, ln E, α, β).</summary>
        public double[][] Fit(IEnumerable<double[]> starts, int kept)
        {
            double[] slopes = new double[5];
            (double Value, double[] Point)[] all = [.. starts.Select(Inner).Select(point => (Value(point, slopes), point)).OrderBy(start => start.Item1).Take(kept)];
            for (int i = 0; i < all.Length; i++)
                all[i].Value = LimitedMemoryMinimizer.Minimize(Value, all[i].Point);
            return [.. all.OrderBy(one => one.Value).Select(one => one.Point)];
        }

        public double[] Inner(double[] outer) => [outer[0] - outer[3] * meanSize, outer[1] - outer[4] * meanTokens, outer[2], outer[3], outer[4]];

        public double[] Outer(double[] inner) => [inner[0] + inner[3] * meanSize, inner[1] + inner[4] * meanTokens, inner[2], inner[3], inner[4]];

        public ScalingRule RuleOf(double[] inner)
        {
            double[] outer = Outer(inner);
            return new ScalingRule(Math.Exp(outer[2]), Math.Exp(outer[0]), Math.Exp(outer[1]), outer[3], outer[4]);
        }

        private double Value(ReadOnlySpan<double> point, Span<double> slopes)
        {
            slopes.Clear();
            double sum = 0;
            for (int i = 0; i < losses.Length; i++)
            {
                double first = point[0] - point[3] * sizes[i], second = point[1] - point[4] * tokens[i], third = point[2];
                double largest = Math.Max(first, Math.Max(second, third));
                double x = Math.Exp(first - largest), y = Math.Exp(second - largest), z = Math.Exp(third - largest), all = x + y + z;
                double residual = (largest + Math.Log(all) - losses[i]) / Delta, slope = Math.Clamp(residual, -1, 1);
                sum += Math.Abs(residual) <= 1 ? residual * residual / 2 : Math.Abs(residual) - 0.5;
                slopes[0] += slope * x / all / Delta;
                slopes[1] += slope * y / all / Delta;
                slopes[2] += slope * z / all / Delta;
                slopes[3] -= slope * x / all * sizes[i] / Delta;
                slopes[4] -= slope * y / all * tokens[i] / Delta;
            }
            return sum;
        }
    }
}
