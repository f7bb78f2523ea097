namespace Lemma.Formulas;

/// <summary>How the frequencies θᵢ = θ^(−2i/d) are changed so that positions beyond the training length stay in range.</summary>
/// <remarks>
/// none; linear: θᵢ/s (Chen et al. 2023); ntk: θ·s^(d/(d−2)) for θ (bloc97 2023); dynamic ntk: the same with s = f·L/L₀ − (f − 1) once
/// L &gt; L₀; YaRN: between both by the number of turns within L₀, attention scaled by 0.1·ln s + 1 (Peng et al. 2023, eq. 22 to 25);
/// Llama 3: between θᵢ/s and θᵢ by wavelength (Dubey et al. 2024, section 3.2); LongRoPE: θᵢ/sᵢ with searched sᵢ, other ones once L &gt; L₀
/// (Ding et al. 2024, section 3); proportional: a share of the pairs turns, by angles of the whole width.
/// </remarks>
public abstract record RopeScaling
{
    /// <summary>No change.</summary>
    public static RopeScaling None { get; } = new Unchanged();

    /// <summary>The angle of each pair a position, for a sequence of a length.</summary>
    public abstract double[] Frequencies(int width, double theta, int length);

    /// <summary>What cosines and sines are multiplied with.</summary>
    public virtual double Magnitude => 1;

    /// <summary>Whether the frequencies depend on the length.</summary>
    public virtual bool DependsOnLength => false;

    /// <summary>A length that has the same frequencies: equal for lengths that may share a table.</summary>
    public virtual int Representative(int length) => 0;

    /// <summary>Checks every number for the columns that turn; the error names the scaling, the rule and the value.</summary>
    public virtual void Validate(int width) { }

    private protected static void CheckFactor(string scaling, double factor) =>
        Check.That(factor >= 1 && double.IsFinite(factor), "rope", $"the factor of {scaling} scaling must be at least 1 and finite, but it is {factor}");

    private protected static void CheckTrained(string scaling, int length, int least = 1) =>
        Check.That(length >= least, "rope", $"the trained length of {scaling} scaling must be at least {least}, but it is {length}");

    private protected static void CheckPositive(string scaling, string what, double? number) => Check.That(
        number is null || (float)number is > 0 and < float.PositiveInfinity, "rope", $"{what} of {scaling} scaling must be positive and finite, but it is {number}");

    /// <summary>θ^(−2i/d).</summary>
    internal static double[] Plain(int width, double theta)
    {
        Check.That(width > 0 && width % 2 == 0, "rope", $"the width of a head must be even, but it is {width}");
        Check.That(theta > 0, "rope", $"θ must be above 0, but it is {theta}");
        double[] frequencies = new double[width / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Math.Pow(theta, -2.0 * i / width);
        return frequencies;
    }

    private sealed record Unchanged : RopeScaling
    {
        public override double[] Frequencies(int width, double theta, int length) => Plain(width, theta);
    }
}

/// <summary>θᵢ/s: positions are squeezed by a factor.</summary>
/// <param name="Factor">s, at least 1 to reach further.</param>
public sealed record LinearRopeScaling(double Factor) : RopeScaling
{
    /// <inheritdoc/>
    public override void Validate(int width) => CheckFactor("linear", Factor);

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta,
        int length) => [.. Plain(width, theta).Select(frequency => frequency / Factor)];
}

/// <summary>θ·s^(d/(d−2)) for θ: fast pairs keep their frequency, slow ones are squeezed.</summary>
/// <param name="Factor">s.</param>
public sealed record NtkRopeScaling(double Factor) : RopeScaling
{
    /// <inheritdoc/>
    public override void Validate(int width) => CheckFactor("ntk", Factor);

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta, int length) => Plain(width,
        theta * Math.Pow(Factor, width / (width - 2.0)));
}

/// <summary>NTK-aware scaling whose factor follows the length, s = f·L/L₀ − (f − 1) once L is beyond L₀.</summary>
/// <param name="Factor">f.</param>
/// <param name="TrainedLength">L₀.</param>
public sealed record DynamicNtkRopeScaling(double Factor, int TrainedLength) : RopeScaling
{
    /// <inheritdoc/>
    public override void Validate(int width)
    {
        CheckFactor("dynamic ntk", Factor);
        CheckTrained("dynamic ntk", TrainedLength);
    }

    /// <inheritdoc/>
    public override bool DependsOnLength => true;

    /// <inheritdoc/>
    public override int Representative(int length) => Math.Max(length, TrainedLength);

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta, int length) => length <= TrainedLength ? Plain(width, theta)
        : new NtkRopeScaling(Factor * length / TrainedLength - (Factor - 1)).Frequencies(width, theta, length);
}

/// <summary>
/// YaRN: pairs that turn often within L₀ keep their frequency, pairs that turn less than β_slow times get θᵢ/s, a ramp between.
/// </summary>
/// <param name="Factor">s.</param>
/// <param name="TrainedLength">L₀.</param>
/// <param name="FastTurns">β_fast, 32 in the paper.</param>
/// <param name="SlowTurns">β_slow, 1 in the paper.</param>
public sealed record YarnRopeScaling(double Factor, int TrainedLength, double FastTurns = 32, double SlowTurns = 1) : RopeScaling
{
    /// <summary>The magnitude where a checkpoint gives its own; null for 0.1·ln s + 1.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>Whether the ramp begins and ends at whole pairs, as most checkpoints were trained.</summary>
    public bool WholePairs { get; init; } = true;

    /// <inheritdoc/>
    public override void Validate(int width)
    {
        CheckFactor("yarn", Factor);
        CheckTrained("yarn", TrainedLength);
        CheckPositive("yarn", "the fast turns", FastTurns);
        CheckPositive("yarn", "the slow turns", SlowTurns);
        CheckPositive("yarn", "the attention factor", AttentionFactor);
    }

    /// <inheritdoc/>
    public override double Magnitude => AttentionFactor ?? MagnitudeOf(Factor, 1);

    /// <summary>0.1·w·ln s + 1 for s above 1, else 1; DeepSeek's magnitude is a ratio of two (mscale over mscale_all_dim).</summary>
    public static double MagnitudeOf(double factor, double weight) => factor <= 1 ? 1 : 0.1 * weight * Math.Log(factor) + 1;

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta, int length)
    {
        // The pair that makes a number of turns within the trained length.
        double PairOf(double turns) => width * Math.Log(TrainedLength / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        double low = PairOf(FastTurns), high = PairOf(SlowTurns);
        (low, high) = WholePairs ? (Math.Floor(low), Math.Ceiling(high)) : (low, high);
        (low, high) = (Math.Max(low, 0), Math.Min(high, width - 1));
        double[] frequencies = Plain(width, theta);
        for (int i = 0; i < frequencies.Length; i++)
        {
            double ramp = Math.Clamp((i - low) / Math.Max(high - low, 0.001), 0, 1);
            frequencies[i] *= 1 - ramp + ramp / Factor;
        }
        return frequencies;
    }
}

/// <summary>Llama 3: wavelengths above L₀/low get θᵢ/s, those below L₀/high stay, a ramp between.</summary>
/// <param name="Factor">s.</param>
/// <param name="LowFactor">Turns within L₀ below which a pair is squeezed.</param>
/// <param name="HighFactor">Turns within L₀ above which a pair stays.</param>
/// <param name="TrainedLength">L₀.</param>
public sealed record Llama3RopeScaling(double Factor, double LowFactor, double HighFactor, int TrainedLength) : RopeScaling
{
    /// <inheritdoc/>
    public override void Validate(int width)
    {
        CheckFactor("llama3", Factor);
        CheckTrained("llama3", TrainedLength);
        Check.That(LowFactor >= 0 && HighFactor > LowFactor && double.IsFinite(HighFactor), "rope",
            $"the low factor of llama3 scaling must be at least 0 and the high factor above it and finite, but they are {LowFactor} and {HighFactor}");
    }

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta, int length) => [.. Plain(width, theta).Select(frequency =>
    {
        double turns = TrainedLength * frequency / (2 * Math.PI);
        double smooth = Math.Clamp((turns - LowFactor) / (HighFactor - LowFactor), 0, 1);
        return frequency * (smooth + (1 - smooth) / Factor);
    })];
}

/// <summary>LongRoPE: θᵢ/sᵢ, with factors of each pair for lengths up to L₀ and others beyond it.</summary>
/// <param name="ShortFactors">sᵢ for L ≤ L₀, one a pair.</param>
/// <param name="LongFactors">sᵢ for L &gt; L₀, one a pair.</param>
/// <param name="Factor">How far the length is stretched: the longest length over L₀.</param>
/// <param name="TrainedLength">L₀.</param>
public sealed record LongRopeScaling(ValueList<double> ShortFactors, ValueList<double> LongFactors, double Factor, int TrainedLength) : RopeScaling
{
    /// <summary>The magnitude where a checkpoint gives its own; null for √(1 + ln s/ln L₀).</summary>
    public double? AttentionFactor { get; init; }

    /// <inheritdoc/>
    public override void Validate(int width)
    {
        CheckPositive("longrope", "the factor", Factor);
        // ln L₀ divides.
        CheckTrained("longrope", TrainedLength, least: 2);
        CheckPositive("longrope", "the attention factor", AttentionFactor);
        foreach ((string name, ValueList<double> factors) in ((string, ValueList<double>)[])[("short", ShortFactors), ("long", LongFactors)])
        {
            Check.That(factors.Count == width / 2, "rope", $"longrope needs {width / 2} {name} factors, one a pair, but there are {factors.Count}");
            foreach (double factor in factors)
                CheckPositive("longrope", $"a {name} factor", factor);
        }
    }

    /// <inheritdoc/>
    public override double Magnitude => AttentionFactor ?? (Factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(Factor) / Math.Log(TrainedLength)));

    /// <inheritdoc/>
    public override bool DependsOnLength => true;

    /// <inheritdoc/>
    public override int Representative(int length) => length <= TrainedLength ? TrainedLength : TrainedLength + 1;

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta, int length)
    {
        ValueList<double> factors = length <= TrainedLength ? ShortFactors : LongFactors;
        Check.That(factors.Count == width / 2, "rope", $"longrope needs {width / 2} factors, one a pair, but there are {factors.Count}");
        double[] frequencies = Plain(width, theta);
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] /= factors[i];
        return frequencies;
    }
}

/// <summary>The first pairs turn by θᵢ/s with θᵢ of the whole width, the others stay.</summary>
/// <param name="Share">The share of the pairs that turn, in [0, 1].</param>
/// <param name="Factor">s.</param>
public sealed record ProportionalRopeScaling(double Share, double Factor = 1) : RopeScaling
{
    /// <inheritdoc/>
    public override void Validate(int width)
    {
        CheckFactor("proportional", Factor);
        Check.That(Share is >= 0 and <= 1, "rope", $"the share of proportional scaling must lie in [0, 1], but it is {Share}");
    }

    /// <inheritdoc/>
    public override double[] Frequencies(int width, double theta, int length)
    {
        int turning = (int)Math.Floor(Share * width / 2);
        return [.. Plain(width, theta).Select((frequency, i) => i < turning ? frequency / Factor : 0)];
    }
}
