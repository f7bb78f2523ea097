using static Lemma.Tests.Oracles.Twins.RegularizationTwins;
using static Lemma.Tests.Oracles.Twins.TwinMath;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Twins of the groups Optimizers and Schedules.</summary>
internal static class OptimizerTwins
{
    public static IReadOnlyDictionary<string, Twin> All { get; } = new Dictionary<string, Twin>
    {
        ["gradient_descent"] = x => Steps(x, (_, p, g) =>
        {
            for (int i = 0; i < p.Length; i++)
                p[i] -= x.Number("learning_rate") * g[i];
        }),
        ["sgd_momentum"] = Momentum,
        ["adam"] = x => Adam(x, 0),
        ["adamw"] = x => Adam(x, x.Number("weight_decay", 0.01)),
        ["lion"] = Lion,
        ["muon"] = Muon,
        ["adafactor"] = Adafactor,
        ["exponential_moving_average"] = MovingAverage,
        ["gradient_accumulation"] = x => Product([.. Enumerable.Repeat(1.0 / x.Size("gradients", 0), x.Size("gradients", 0))],
            x["gradients"], x.Size("gradients", 0), x.Size("gradients", 1)),
        ["schedule_constant"] = x => Rates(x, _ => 1),
        ["schedule_linear"] = x => Rates(x, t => Falling(x, 1 - Progress(x, t))),
        ["schedule_cosine"] = x => Rates(x, t => Falling(x, (1 + Math.Cos(Math.PI * Progress(x, t))) / 2)),
        ["schedule_inverse_square_root"] = x => Rates(x, t => Math.Sqrt(Math.Max(1, x.Number("warmup", 0)) / Math.Max(1, t))),
        ["schedule_warmup_stable_decay"] = x => Rates(x,
            t => Falling(x, Math.Clamp((x.Number("total_steps", 1000) - t) / x.Number("decay", 100), 0, 1))),
    };

    // The parameter after each row of gradients, t from 1.
    private static double[] Steps(TwinInput x, Action<int, double[], double[]> step)
    {
        double[] p = [.. x["parameter"]];
        for (int t = 1; t <= x.Size("gradients", 0); t++)
            step(t, p, x["gradients"][((t - 1) * p.Length)..(t * p.Length)]);
        return p;
    }

    private static double[] Momentum(TwinInput x)
    {
        double[] v = new double[x["parameter"].Length];
        return Steps(x, (_, p, g) =>
        {
            for (int i = 0; i < p.Length; i++)
            {
                v[i] = x.Number("momentum", 0.9) * v[i] + x.Number("learning_rate") * g[i];
                p[i] -= v[i];
            }
        });
    }

    private static double[] Adam(TwinInput x, double decay)
    {
        double[] m = new double[x["parameter"].Length], v = new double[m.Length];
        double beta1 = x.Number("beta1", 0.9), beta2 = x.Number("beta2", 0.999), rate = x.Number("learning_rate");
        return Steps(x, (t, p, g) =>
        {
            for (int i = 0; i < p.Length; i++)
            {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                double mean = m[i] / (1 - Math.Pow(beta1, t)), square = v[i] / (1 - Math.Pow(beta2, t));
                p[i] = (1 - rate * decay) * p[i] - rate * mean / (Math.Sqrt(square) + x.Number("epsilon", 1e-8));
            }
        });
    }

    private static double[] Lion(TwinInput x)
    {
        double[] m = new double[x["parameter"].Length];
        double beta1 = x.Number("beta1", 0.9), beta2 = x.Number("beta2", 0.99);
        return Steps(x, (_, p, g) =>
        {
            for (int i = 0; i < p.Length; i++)
            {
                double direction = Sign(beta1 * m[i] + (1 - beta1) * g[i]), rate = x.Number("learning_rate");
                p[i] = (1 - rate * x.Number("weight_decay", 0)) * p[i] - rate * direction;
                m[i] = beta2 * m[i] + (1 - beta2) * g[i];
            }
        });
    }

    private static double[] Muon(TwinInput x)
    {
        int rows = x.Size("parameter", 0), columns = x.Size("parameter", 1);
        double[] m = new double[rows * columns];
        return Steps(x, (_, p, g) =>
        {
            for (int i = 0; i < m.Length; i++)
                m[i] = x.Number("momentum", 0.95) * m[i] + g[i];
            double rate = x.Number("learning_rate"), decay = x.Number("weight_decay", 0);
            double[] ahead = x.Number("nesterov", 0) == 0 ? m : Map(m, g, (value, gradient) => x.Number("momentum", 0.95) * value + gradient);
            double norm = Math.Sqrt(Sum(Map(ahead, value => value * value))) + 1e-7;
            double[] o = Map(ahead, value => value / norm);
            for (int step = 0; step < 5; step++)
            {
                // O = a·O + (b·A + c·A²)·O, A = O·Oᵀ: Newton and Schulz.
                double[] gram = Product(o, Transpose(o, rows, columns), columns, rows), square = Product(gram, gram, rows, rows);
                double[] change = Product(Map(gram, square, (a, aa) => -4.7750 * a + 2.0315 * aa), o, rows, columns);
                o = Map(o, change, (old, added) => 3.4445 * old + added);
            }
            for (int i = 0; i < p.Length; i++)
                p[i] -= (decay == 0 ? 0 : rate * decay * p[i]) + rate * Math.Sqrt(Math.Max(1, (double)rows / columns)) * o[i];
        });
    }

    private static double[] Adafactor(TwinInput x)
    {
        int rows = x.Size("parameter", 0), columns = x.Size("parameter", 1);
        double[] r = new double[rows], c = new double[columns];
        return Steps(x, (t, p, g) =>
        {
            double beta = 1 - Math.Pow(t, -0.8);
            double[] squares = Map(g, value => value * value + x.Number("epsilon", 1e-30)), turned = Transpose(squares, rows, columns);
            for (int i = 0; i < rows; i++)
                r[i] = beta * r[i] + (1 - beta) * Sum(squares[(i * columns)..((i + 1) * columns)]);
            for (int j = 0; j < columns; j++)
                c[j] = beta * c[j] + (1 - beta) * Sum(turned[(j * rows)..((j + 1) * rows)]);
            double[] update = new double[p.Length];
            for (int i = 0; i < p.Length; i++)
                update[i] = g[i] / Math.Sqrt(r[i / columns] * c[i % columns] / Sum(r));
            double size = Math.Sqrt(LossTwins.Mean(Map(update, value => value * value)));
            for (int i = 0; i < p.Length; i++)
                p[i] -= x.Number("learning_rate") * update[i] / Math.Max(1, size / x.Number("clip", 1));
        });
    }

    private static double[] MovingAverage(TwinInput x)
    {
        double[] average = [.. x["average"]];
        double beta = x.Number("beta", 0.999);
        for (int i = 0; i < x["parameters"].Length; i++)
            average[i % average.Length] = beta * average[i % average.Length] + (1 - beta) * x["parameters"][i];
        return average;
    }

    private static double[] Rates(TwinInput x, Func<double, double> share) => Map(x["step"], t =>
        x.Number("learning_rate", 1) * (t < x.Number("warmup", 0) ? t / x.Number("warmup", 0) : share(t)));

    private static double Falling(TwinInput x, double share) => x.Number("minimum", 0) + (1 - x.Number("minimum", 0)) * share;

    private static double Progress(TwinInput x, double t) => Math.Clamp((t - x.Number("warmup", 0))
        / Math.Max(1, x.Number("total_steps", 1000) - x.Number("warmup", 0)), 0, 1);
}
