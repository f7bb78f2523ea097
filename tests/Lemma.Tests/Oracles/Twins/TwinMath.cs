namespace Lemma.Tests.Oracles.Twins;

/// <summary>What several twins need: scalar functions, softmax, the matrix product.</summary>
internal static class TwinMath
{
    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>−ln σ(x) = ln(1 + e^−x).</summary>
    public static double MinusLogSigmoid(double x)
    {
        double small = Math.Exp(-Math.Abs(x));
        return Math.Max(-x, 0) + (small < 1e-4 ? small * (1 - small * (0.5 - small / 3)) : Math.Log(1 + small));
    }

    public static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    /// <summary>x·Φ(x), 0 at −∞ as its limit; far below 0 by the complement, whose digits 1 + erf has lost.</summary>
    public static double Gelu(double x) => double.IsNegativeInfinity(x) ? 0 : 0.5 * x * (x < -3 ? ErfComplement(-x / Math.Sqrt(2)) : 1 + Erf(x / Math.Sqrt(2)));

    /// <summary>erf by its Taylor series near zero and a continued fraction far from it.</summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) >= 2.5)
            return Math.Sign(x) * (1 - ErfComplement(Math.Abs(x)));
        double term = x, sum = x;
        for (int n = 1; n < 80; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    public static double Activation(string name, double x) => name switch
    {
        "relu" => Math.Max(0, x),
        "gelu" => Gelu(x),
        "gelu_tanh" => GeluTanh(x),
        "silu" => x * Sigmoid(x),
        "sigmoid" => Sigmoid(x),
        "tanh" => Math.Tanh(x),
        "identity" => x,
        _ => throw new ArgumentException(name),
    };

    /// <summary>softmax of one row.</summary>
    public static double[] Softmax(ReadOnlySpan<double> z)
    {
        double[] y = new double[z.Length];
        double largest = double.NegativeInfinity, total = 0;
        foreach (double value in z)
            largest = Math.Max(largest, value);
        if (double.IsNegativeInfinity(largest))
            return y;
        for (int i = 0; i < z.Length; i++)
            total += y[i] = Math.Exp(z[i] - largest);
        for (int i = 0; i < z.Length; i++)
            y[i] /= total;
        return y;
    }

    /// <summary>ln softmax(z) of one row; the largest goes first, so that nothing is lost to its size.</summary>
    public static double[] LogSoftmax(double[] z)
    {
        double largest = z.Max(), total = 0;
        foreach (double value in z)
            total += Math.Exp(value - largest);
        return Map(z, value => value - largest - Math.Log(total));
    }

    /// <summary>ln Σ e^z.</summary>
    public static double LogSumExp(double[] z)
    {
        double largest = z.Max(), total = 0;
        foreach (double value in z)
            total += Math.Exp(value - largest);
        return double.IsInfinity(largest) ? largest : largest + Math.Log(total);
    }

    /// <summary>−1, 0 or 1; NaN for NaN.</summary>
    public static double Sign(double x) => x > 0 ? 1 : x < 0 ? -1 : x;

    /// <summary>f of every element.</summary>
    public static double[] Map(double[] x, Func<double, double> f) => Array.ConvertAll(x, value => f(value));

    /// <summary>f of every pair.</summary>
    public static double[] Map(double[] x, double[] y, Func<double, double, double> f)
    {
        double[] z = new double[x.Length];
        for (int i = 0; i < z.Length; i++)
            z[i] = f(x[i], y[i]);
        return z;
    }

    /// <summary>f of every row of a width, one after another.</summary>
    public static double[] MapRows(double[] x, int width, Func<double[], double[]> f)
    {
        List<double> y = [];
        for (int row = 0; row < x.Length; row += width)
            y.AddRange(f(x[row..(row + width)]));
        return [.. y];
    }

    /// <summary>A [m, k] · B [k, n].</summary>
    public static double[] Product(double[] a, double[] b, int k, int n)
    {
        int m = a.Length / k;
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++)
        {
            for (int inner = 0; inner < k; inner++)
            {
                for (int j = 0; j < n; j++)
                    c[i * n + j] += a[i * k + inner] * b[inner * n + j];
            }
        }
        return c;
    }

    /// <summary>A [m, n] as [n, m].</summary>
    public static double[] Transpose(double[] a, int m, int n)
    {
        double[] t = new double[a.Length];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
                t[j * m + i] = a[i * n + j];
        }
        return t;
    }

    /// <summary>x/√(mean x² + ε)·g, a row.</summary>
    public static double[] RmsNorm(double[] x, double[] gain, double epsilon) => MapRows(x, gain.Length, row =>
    {
        double squares = 0;
        foreach (double value in row)
            squares += value * value;
        return Map(row, gain, (value, g) => value / Math.Sqrt(squares / row.Length + epsilon) * g);
    });

    private static double ErfComplement(double x)
    {
        if (x < 2.5)
            return 1 - Erf(x);
        double fraction = 0;
        for (int n = 80; n >= 1; n--)
            fraction = n / 2.0 / (x + fraction);
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / (x + fraction);
    }
}
