using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the group Linear algebra.</summary>
internal static class LinearAlgebraTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["matrix_add"] = x => Map(x["a"], x["b"], (a, b) => a + b),
        ["matrix_multiply"] = x => Product(x["a"], x["b"], x.Columns("a"), x.Columns("b")),
        ["matrix_transpose"] = x => Transpose(x["a"], x.Size("a", 0), x.Size("a", 1)),
        ["matrix_inverse"] = Inverse,
        ["identity_matrix"] = x => Identity(x.Whole("n")),
        ["zero_matrix"] = x => new double[x.Whole("m") * x.Whole("n")],
        ["is_symmetric"] = x => Holds(x, (i, j) => i == j ? 0 : Element(x, i, j) - Element(x, j, i), Largest(x)),
        ["is_diagonal"] = x => Holds(x, (i, j) => i == j ? 0 : Element(x, i, j), Largest(x)),
        ["is_orthogonal"] = Orthogonal,
        ["eigen"] = Eigen,
        ["svd"] = SingularValues,
        ["einsum"] = EinsteinSum,
        ["hadamard"] = Turned,
    };

    private static double[] Turned(TwinInput x)
    {
        int n = x.Columns("x");
        return [.. x["x"].Select((_, at) => Enumerable.Range(0, n).Sum(j =>
            (System.Numerics.BitOperations.PopCount((uint)(at % n & j)) % 2 == 0 ? 1 : -1) * x["x"][at / n * n + j]) / Math.Sqrt(n))];
    }

    private static double Element(TwinInput x, int i, int j) => x["a"][i * x.Columns("a") + j];

    private static double Largest(TwinInput x) => Math.Max(1e-30, x["a"].Max(Math.Abs));

    private static double[] Identity(int n)
    {
        double[] identity = new double[n * n];
        for (int i = 0; i < n; i++)
            identity[i * n + i] = 1;
        return identity;
    }

    private static double[] Holds(TwinInput x, Func<int, int, double> excess, double scale)
    {
        int n = x.Columns("a");
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                if (!(Math.Abs(excess(i, j)) <= x.Number("tolerance", 1e-5) * scale))
                    return [0];
            }
        }
        return [1];
    }

    private static double[] Orthogonal(TwinInput x)
    {
        int n = x.Columns("a");
        double[] gram = Product(Transpose(x["a"], n, n), x["a"], n, n);
        return Holds(x, (i, j) => gram[i * n + j] - (i == j ? 1 : 0), 1);
    }

    // Gauss and Jordan, the largest pivot of a column first.
    private static double[] Inverse(TwinInput x)
    {
        int n = x.Columns("a");
        double[] a = [.. x["a"]], inverse = Identity(n);
        for (int column = 0; column < n; column++)
        {
            int pivot = Enumerable.Range(column, n - column).MaxBy(row => Math.Abs(a[row * n + column]));
            for (int j = 0; j < n; j++)
            {
                (a[column * n + j], a[pivot * n + j]) = (a[pivot * n + j], a[column * n + j]);
                (inverse[column * n + j], inverse[pivot * n + j]) = (inverse[pivot * n + j], inverse[column * n + j]);
            }
            double divisor = a[column * n + column];
            for (int j = 0; j < n; j++)
                (a[column * n + j], inverse[column * n + j]) = (a[column * n + j] / divisor, inverse[column * n + j] / divisor);
            for (int row = 0; row < n; row++)
            {
                double factor = a[row * n + column];
                for (int j = 0; j < n && row != column; j++)
                {
                    a[row * n + j] -= factor * a[column * n + j];
                    inverse[row * n + j] -= factor * inverse[column * n + j];
                }
            }
        }
        return inverse;
    }

    // Jacobi: turns pairs of axes until nothing is left beside the diagonal.
    private static double[] Eigen(TwinInput x)
    {
        int n = x.Columns("a");
        (double[] values, double[] _, double[] vectors) = Jacobi(x["a"], n, n, symmetric: true);
        int[] order = [.. Enumerable.Range(0, n).OrderBy(i => values[i])];
        double[] result = new double[(n + 1) * n];
        for (int i = 0; i < n; i++)
        {
            result[i] = values[order[i]];
            double sign = Sign(Enumerable.Range(0, n).Select(j => vectors[j * n + order[i]]));
            for (int j = 0; j < n; j++)
                result[(i + 1) * n + j] = sign * vectors[j * n + order[i]];
        }
        return result;
    }

    private static double[] SingularValues(TwinInput x)
    {
        int m = x.Size("a", 0), n = x.Size("a", 1), k = Math.Min(m, n);
        bool wide = n > m;
        (double[] sigma, double[] left, double[] right) = Jacobi(wide ? Transpose(x["a"], m, n) : x["a"], Math.Max(m, n), k,
            symmetric: false);
        (double[] u, double[] v) = wide ? (right, left) : (left, right);
        int[] order = [.. Enumerable.Range(0, k).OrderByDescending(i => sigma[i])];
        double[] result = new double[(m + n + 1) * k];
        for (int i = 0; i < k; i++)
        {
            result[i] = sigma[order[i]];
            double sign = Sign(Enumerable.Range(0, m).Select(row => u[row * k + order[i]]));
            for (int row = 0; row < m; row++)
                result[(1 + row) * k + i] = sign * u[row * k + order[i]];
            for (int row = 0; row < n; row++)
                result[(1 + m + row) * k + i] = sign * v[row * k + order[i]];
        }
        return result;
    }

    // The largest component of a vector counts as positive, the first of several that are equal but for rounding.
    private static double Sign(IEnumerable<double> vector)
    {
        double largest = vector.Max(Math.Abs);
        return vector.First(component => Math.Abs(component) >= (1 - 1e-6) * largest) < 0 ? -1 : 1;
    }

    /// <summary>
    /// One-sided Jacobi: turns pairs of columns of A [m, n] by V until all are orthogonal, A·V = U·Σ. For a symmetric A the columns of V
    /// are its eigenvectors, with λ = vᵀ·A·v.
    /// </summary>
    private static (double[] Values, double[] U, double[] V) Jacobi(double[] matrix, int m, int n, bool symmetric)
    {
        double[] a = [.. matrix], v = Identity(n), values = new double[n];
        for (int sweep = 0; sweep < 60; sweep++)
        {
            bool turned = false;
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    double pp = 0, qq = 0, pq = 0;
                    for (int row = 0; row < m; row++)
                    {
                        (double left, double right) = (a[row * n + p], a[row * n + q]);
                        (pp, qq, pq) = (pp + left * left, qq + right * right, pq + left * right);
                    }
                    if (Math.Abs(pq) <= 1e-15 * Math.Sqrt(pp * qq))
                        continue;
                    turned = true;
                    double angle = 0.5 * Math.Atan2(2 * pq, pp - qq);
                    Turn(a, m, n, p, q, angle);
                    Turn(v, n, n, p, q, angle);
                }
            }
            if (!turned)
                break;
        }
        for (int i = 0; i < n; i++)
        {
            double squares = 0, along = 0;
            for (int row = 0; row < m; row++)
            {
                squares += a[row * n + i] * a[row * n + i];
                along += symmetric ? v[row * n + i] * a[row * n + i] : 0;
            }
            values[i] = symmetric ? along : Math.Sqrt(squares);
            for (int row = 0; row < m; row++)
                a[row * n + i] /= Math.Sqrt(squares);
        }
        return (values, a, v);
    }

    private static void Turn(double[] a, int rows, int n, int p, int q, double angle)
    {
        (double sine, double cosine) = Math.SinCos(angle);
        for (int row = 0; row < rows; row++)
        {
            (double left, double right) = (a[row * n + p], a[row * n + q]);
            (a[row * n + p], a[row * n + q]) = (cosine * left + sine * right, cosine * right - sine * left);
        }
    }

    // Counts through all indices of the equation.
    private static double[] EinsteinSum(TwinInput x)
    {
        string[] sides = x.Word("equation").Split("->"), terms = sides[0].Split(',');
        string[] names = terms.Length == 2 ? ["a", "b"] : ["a"];
        Dictionary<char, int> sizes = [];
        for (int t = 0; t < terms.Length; t++)
        {
            for (int axis = 0; axis < terms[t].Length; axis++)
                sizes[terms[t][axis]] = x.Size(names[t], axis);
        }
        char[] indices = [.. sizes.Keys];
        int[] place = new int[indices.Length];
        int[][] strides = [.. terms.Append(sides[1]).Select(term => indices.Select(index => Stride(term, index, sizes)).ToArray())];
        double[] y = new double[sides[1].Aggregate(1, (product, index) => product * sizes[index])];
        int Offset(int term)
        {
            int offset = 0;
            for (int n = 0; n < place.Length; n++)
                offset += place[n] * strides[term][n];
            return offset;
        }
        int carry = 0;
        while (carry < place.Length)
        {
            double product = 1;
            for (int t = 0; t < terms.Length; t++)
                product *= x[names[t]][Offset(t)];
            y[Offset(terms.Length)] += product;
            for (carry = 0; carry < place.Length && ++place[carry] == sizes[indices[carry]]; carry++)
                place[carry] = 0;
        }
        return y;
    }

    // How far apart neighbours along an index are in a term, in which it may stand twice or not at all.
    private static int Stride(string term, char index, Dictionary<char, int> sizes)
    {
        int stride = 1, sum = 0;
        for (int axis = term.Length - 1; axis >= 0; axis--)
        {
            sum += term[axis] == index ? stride : 0;
            stride *= sizes[term[axis]];
        }
        return sum;
    }
}
