namespace Lemma.Formulas;

/// <summary>L = −(1/n)·Σᵢ ln(e^(s·cos(aᵢ, bᵢ))/Σⱼ e^(s·cos(aᵢ, bⱼ))): each a is to be nearest to its own b of all that are there.</summary>
/// <remarks>a, b: [n, d]; L: [], in nats. The cosine with a row of zeros is 0. van den Oord et al. 2018; Henderson et al. 2017.</remarks>
public static class InBatchContrast
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "in_batch_contrast",
        Group = "Losses",
        Text = "L = −(1/n)·Σᵢ ln(e^(s·cos(aᵢ, bᵢ))/Σⱼ e^(s·cos(aᵢ, bⱼ)))",
        Latex = """
            L = -\frac{1}{n}\sum_{i=1}^{n}\ln\frac{e^{s\cos(a_i, b_i)}}{\sum_{j=1}^{n} e^{s\cos(a_i, b_j)}}
            \cos(x, y) = \frac{x\cdot y}{\lVert x\rVert\lVert y\rVert}
            """,
        Shapes = "first (a), second (b): [n, d]; L: []",
        Symbols = "scale s above 0, 20 without it; L in nats; the cosine with a row of zeros is 0",
        Source = "van den Oord et al. 2018, Contrastive predictive coding, eq. 4 (InfoNCE); Henderson et al. 2017, section 4.4, for the other pairs of a batch",
        Gradient = "da = (dâ − â·⟨â, dâ⟩)/‖a‖, â = a/‖a‖, dâᵢ = s/n·Σⱼ (pᵢⱼ − 1_{i=j})·b̂ⱼ·dL, db alike",
        Notes = "Also called multiple negatives ranking. Equal texts in two pairs are taken for different ones.",
        Example = "first[7,8] second[7,8] scale=5",
        Evaluate = Evaluate,
    };

    /// <summary>L; 0 without rows.</summary>
    public static double Forward(ReadOnlySpan<float> first, ReadOnlySpan<float> second, int d, double scale)
    {
        Cosines cosines = new(first, second, d, scale);
        double sum = 0;
        double[] others = new double[Math.Max(0, cosines.Count - 1)];
        for (int i = 0; i < cosines.Count; i++)
            sum += cosines.Loss(i, others);
        return cosines.Count == 0 ? 0 : sum / cosines.Count;
    }

    /// <summary>da += (dâ − â·⟨â, dâ⟩)/‖a‖, db += the same of b; <paramref name="dy"/> is the gradient of the mean.</summary>
    public static void Backward(ReadOnlySpan<float> first, ReadOnlySpan<float> second, int d, double scale, double dy, Span<float> dfirst,
        Span<float> dsecond)
    {
        Check.SameLength("in_batch_contrast", first.Length, dfirst.Length);
        Check.SameLength("in_batch_contrast", second.Length, dsecond.Length);
        Cosines cosines = new(first, second, d, scale);
        int n = cosines.Count;
        if (n == 0)
            return;
        float[] slopes = cosines.Slopes(dy / n);
        cosines.First.AddGradient(SpanProduct.New(n, d, n, slopes, false, cosines.Second.Units, false), dfirst);
        cosines.Second.AddGradient(SpanProduct.New(n, d, n, slopes, true, cosines.First.Units, false), dsecond);
    }

    private static Values Evaluate(FormulaCall call)
    {
        double scale = call.Number("scale", 20);
        Values first = call.Input("first", -1, -1), second = call.Same("second", first);
        Values y = Values.Scalar(Forward(first, second, first.Columns, scale));
        if (call.Backward(y, out float[]? dy))
            Backward(first, second, first.Columns, scale, dy[0], call.Gradient("first"), call.Gradient("second"));
        return y;
    }

    // The cosines of each a with each b.
    private readonly struct Cosines
    {
        private readonly float[] table;
        private readonly double scale;

        public Cosines(ReadOnlySpan<float> first, ReadOnlySpan<float> second, int d, double scale)
        {
            Check.Rows("in_batch_contrast", first.Length, d);
            Check.SameLength("in_batch_contrast", first.Length, second.Length);
            Check.That(scale > 0 && double.IsFinite(scale), "in_batch_contrast", $"the scale must be above 0, but it is {scale}");
            (First, Second, Count, this.scale) = (new UnitRows(first, d), new UnitRows(second, d), first.Length / d, scale);
            table = SpanProduct.New(Count, Count, d, First.Units, false, Second.Units, true);
        }

        public UnitRows First { get; }

        public UnitRows Second { get; }

        public int Count { get; }

        /// <summary>ln(1 + Σ_{j≠i} e^(s·(cosᵢⱼ − cosᵢᵢ))), whose exponents are left in <paramref name="others"/>.</summary>
        public double Loss(int i, double[] others)
        {
            ReadOnlySpan<float> row = table.AsSpan(i * Count, Count);
            for (int j = 0; j < others.Length; j++)
                others[j] = scale * ((double)row[j < i ? j : j + 1] - row[i]);
            return Stable.LogOnePlusSum(others);
        }

        /// <summary>The slopes by the cosines, of a mean with a slope a row.</summary>
        public float[] Slopes(double dy)
        {
            float[] slopes = new float[table.Length];
            double[] others = new double[Count - 1];
            for (int i = 0; i < Count; i++)
            {
                double loss = Loss(i, others), own = 0;
                for (int j = 0; j < others.Length; j++)
                {
                    double slope = scale * dy * Math.Exp(others[j] - loss);
                    slopes[i * Count + (j < i ? j : j + 1)] = (float)slope;
                    own -= slope;
                }
                slopes[i * Count + i] = (float)own;
            }
            return slopes;
        }
    }

    // Rows of length 1, rows of zeros as they are.
    private readonly struct UnitRows
    {
        private readonly double[] inverses;

        public UnitRows(ReadOnlySpan<float> x, int d)
        {
            (Units, inverses) = (new float[x.Length], new double[x.Length / d]);
            for (int row = 0; row < inverses.Length; row++)
            {
                ReadOnlySpan<float> values = x.Slice(row * d, d);
                double squares = 0;
                foreach (float value in values)
                    squares += (double)value * value;
                inverses[row] = squares == 0 ? 0 : 1 / Math.Sqrt(squares);
                for (int i = 0; i < d; i++)
                    Units[row * d + i] = (float)(values[i] * inverses[row]);
            }
        }

        public float[] Units { get; }

        public void AddGradient(float[] dunits, Span<float> dx)
        {
            int d = dunits.Length / inverses.Length;
            for (int row = 0; row < inverses.Length; row++)
            {
                ReadOnlySpan<float> unit = Units.AsSpan(row * d, d), slope = dunits.AsSpan(row * d, d);
                double along = 0;
                for (int i = 0; i < d; i++)
                    along += (double)unit[i] * slope[i];
                for (int i = 0; i < d; i++)
                    dx[row * d + i] += (float)((slope[i] - along * unit[i]) * inverses[row]);
            }
        }
    }
}
