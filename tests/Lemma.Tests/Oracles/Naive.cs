using Lemma.Tests.Oracles.Twins;

namespace Lemma.Tests.Oracles;

/// <summary>The formulas again, in double, by loops that can be read off the paper.</summary>
internal static class Naive
{
    public static double[] Linear(double[] x, double[] weight, double[]? bias, int rows, int inputs, int outputs)
    {
        double[] y = new double[rows * outputs];
        for (int row = 0; row < rows; row++)
        {
            for (int o = 0; o < outputs; o++)
            {
                double sum = bias?[o] ?? 0;
                for (int i = 0; i < inputs; i++)
                    sum += x[row * inputs + i] * weight[o * inputs + i];
                y[row * outputs + o] = sum;
            }
        }
        return y;
    }

    public static double[] RmsNorm(double[] x, double[] gain, double epsilon)
    {
        int d = gain.Length;
        double[] y = new double[x.Length];
        for (int row = 0; row < x.Length / d; row++)
        {
            double squares = 0;
            for (int i = 0; i < d; i++)
                squares += x[row * d + i] * x[row * d + i];
            for (int i = 0; i < d; i++)
                y[row * d + i] = x[row * d + i] / Math.Sqrt(squares / d + epsilon) * gain[i];
        }
        return y;
    }

    public static double[] LayerNorm(double[] x, double[] gamma, double[] beta, double epsilon)
    {
        int d = gamma.Length;
        double[] y = new double[x.Length];
        for (int row = 0; row < x.Length / d; row++)
        {
            double[] line = x[(row * d)..(row * d + d)];
            double mean = line.Sum() / d, variance = line.Sum(value => (value - mean) * (value - mean)) / d;
            for (int i = 0; i < d; i++)
                y[row * d + i] = (line[i] - mean) / Math.Sqrt(variance + epsilon) * gamma[i] + beta[i];
        }
        return y;
    }

    public static double[] SwiGlu(double[] x, int width)
    {
        double[] y = new double[x.Length / 2];
        for (int i = 0; i < y.Length; i++)
        {
            double a = x[i / width * 2 * width + i % width], b = x[i / width * 2 * width + width + i % width];
            y[i] = a * TwinMath.Sigmoid(a) * b;
        }
        return y;
    }

    public static double[] Embedding(double[] weight, int[] ids, int width) =>
        [.. ids.SelectMany(id => weight.Skip(id * width).Take(width))];

    public static double[] Rope(double[] x, int columns, int heads, int headWidth, int[] positions, double theta, bool interleaved)
    {
        double[] y = [.. x];
        int half = headWidth / 2;
        for (int row = 0; row < positions.Length; row++)
        {
            for (int h = 0; h < heads; h++)
            {
                for (int i = 0; i < half; i++)
                {
                    int start = row * columns + h * headWidth, first = start + (interleaved ? 2 * i : i), second = start + (interleaved ? 2 * i + 1 : i + half);
                    double angle = positions[row] * Math.Pow(theta, -2.0 * i / headWidth);
                    y[first] = x[first] * Math.Cos(angle) - x[second] * Math.Sin(angle);
                    y[second] = x[second] * Math.Cos(angle) + x[first] * Math.Sin(angle);
                }
            }
        }
        return y;
    }

    public static double[] Attention(double[] x, int batch, int heads, int keyValueHeads, int d, bool causal, int window, int[]? lengths)
    {
        int width = (heads + 2 * keyValueHeads) * d, length = x.Length / width / batch;
        double[] y = new double[batch * length * heads * d];
        for (int b = 0; b < batch; b++)
        {
            for (int h = 0; h < heads; h++)
            {
                int shared = h / (heads / keyValueHeads);
                for (int i = 0; i < length; i++)
                {
                    double[] scores = new double[length];
                    for (int j = 0; j < length; j++)
                    {
                        bool seen = (!causal || j <= i) && (window == 0 || (i - j < window && (causal || j - i < window))) && (lengths is null || j < lengths[b]);
                        double dot = 0;
                        for (int k = 0; k < d; k++)
                            dot += x[(b * length + i) * width + h * d + k] * x[(b * length + j) * width + (heads + shared) * d + k];
                        scores[j] = seen ? dot / Math.Sqrt(d) : double.NegativeInfinity;
                    }
                    double largest = scores.Max();
                    if (double.IsNegativeInfinity(largest))
                        continue;
                    double total = scores.Sum(score => Math.Exp(score - largest));
                    for (int j = 0; j < length; j++)
                    {
                        for (int k = 0; k < d; k++)
                        {
                            y[((b * length + i) * heads + h) * d + k] += Math.Exp(scores[j] - largest) / total
                                * x[(b * length + j) * width + (heads + keyValueHeads + shared) * d + k];
                        }
                    }
                }
            }
        }
        return y;
    }

    /// <summary>−ln softmax(z)_t of each row, 0 for one that is left out.</summary>
    public static double[] CrossEntropies(double[] logits, int[] targets)
    {
        int width = logits.Length / targets.Length;
        return [.. targets.Select((target, row) =>
        {
            double[] z = logits[(row * width)..(row * width + width)];
            double largest = z.Max();
            return target == -100 ? 0 : largest + Math.Log(z.Sum(value => Math.Exp(value - largest))) - z[target];
        })];
    }
}
