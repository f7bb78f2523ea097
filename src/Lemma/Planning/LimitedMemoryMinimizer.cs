namespace Lemma.Planning;

/// <summary>A hollow of a smooth function by L-BFGS with halved steps.</summary>
/// <remarks>Nocedal 1980; the two loops of Nocedal and Wright, Numerical optimization, algorithm 7.4.</remarks>
internal static class LimitedMemoryMinimizer
{
    /// <summary>The value at a point; writes the slopes.</summary>
    public delegate double Function(ReadOnlySpan<double> point, Span<double> slopes);

    private const int Memory = 10, MostHalvings = 40;
    private const double LeastGain = 1e-4, LeastCurvature = 1e-12;

    /// <summary>Goes down from a point until a step gains nothing; the value is that of the point, which is where it ends.</summary>
    public static double Minimize(Function function, double[] point, int mostSteps = 400, double tolerance = 1e-10)
    {
        int n = point.Length;
        double[] slopes = new double[n], next = new double[n], nextSlopes = new double[n], direction = new double[n];
        List<(double[] Step, double[] Change, double Product)> pairs = [];
        double value = function(point, slopes);
        for (int step = 0; step < mostSteps; step++)
        {
            Direct(slopes, pairs, direction);
            double slope = Dot(slopes, direction);
            if (slope >= 0)
            {
                pairs.Clear();
                for (int i = 0; i < n; i++)
                    direction[i] = -slopes[i];
                slope = -Dot(slopes, slopes);
            }
            if (!(slope < 0))
                break;
            double length = pairs.Count == 0 ? Math.Min(1, 1 / Math.Sqrt(Dot(slopes, slopes))) : 1, found = double.PositiveInfinity;
            for (int halving = 0; halving < MostHalvings; halving++, length /= 2)
            {
                for (int i = 0; i < n; i++)
                    next[i] = point[i] + length * direction[i];
                found = function(next, nextSlopes);
                if (found <= value + LeastGain * length * slope)
                    break;
            }
            if (!(found < value))
                break;
            double gain = value - found;
            Remember(pairs, point, next, slopes, nextSlopes);
            next.CopyTo(point, 0);
            nextSlopes.CopyTo(slopes, 0);
            value = found;
            if (gain <= tolerance * (Math.Abs(value) + tolerance))
                break;
        }
        return value;
    }

    private static void Direct(double[] slopes, List<(double[] Step, double[] Change, double Product)> pairs, double[] direction)
    {
        for (int i = 0; i < slopes.Length; i++)
            direction[i] = -slopes[i];
        double[] shares = new double[pairs.Count];
        for (int i = pairs.Count - 1; i >= 0; i--)
            Add(direction, pairs[i].Change, -(shares[i] = Dot(pairs[i].Step, direction) / pairs[i].Product));
        if (pairs.Count > 0)
        {
            double scale = pairs[^1].Product / Dot(pairs[^1].Change, pairs[^1].Change);
            for (int i = 0; i < direction.Length; i++)
                direction[i] *= scale;
        }
        for (int i = 0; i < pairs.Count; i++)
            Add(direction, pairs[i].Step, shares[i] - Dot(pairs[i].Change, direction) / pairs[i].Product);
    }

    private static void Remember(List<(double[] Step, double[] Change, double Product)> pairs, double[] point, double[] next, double[] slopes, double[] nextSlopes)
    {
        double[] step = new double[point.Length], change = new double[point.Length];
        for (int i = 0; i < step.Length; i++)
            (step[i], change[i]) = (next[i] - point[i], nextSlopes[i] - slopes[i]);
        double product = Dot(step, change);
        if (product <= LeastCurvature * Math.Sqrt(Dot(step, step) * Dot(change, change)))
            return;
        if (pairs.Count == Memory)
            pairs.RemoveAt(0);
        pairs.Add((step, change, product));
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void Add(double[] to, double[] from, double scale)
    {
        for (int i = 0; i < to.Length; i++)
            to[i] += scale * from[i];
    }
}
