using System.Numerics.Tensors;
using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>Formulas whose time is a few passes over memory: called over spans that lie there, without the allocations of an evaluation.</summary>
internal static class Kernels
{
    private delegate void Map(ReadOnlySpan<float> x, Span<float> y);

    private delegate void Slope(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx);

    /// <summary>Forward and backward, if the formula is one of them.</summary>
    public static (Action Forward, Action Backward)? Find(string name, FormulaExample example)
    {
        if (example.Inputs.Count == 0)
            return null;
        Values first = example.Inputs.First().Value;
        int width = first.Columns, rows = first.Count / width;
        float[] x = first.Data, y = new float[x.Length], dy = Data.Normal(x.Length), dx = new float[x.Length];
        float[] g = new float[width], b = new float[width], dg = new float[width], db = new float[width], mean = new float[rows], r = new float[rows];
        Array.Fill(g, 1);
        Array.Fill(r, 1);
        (Action, Action) Each(Map forward, Slope backward) => (() => forward(x, y), () => backward(x, dy, dx));
        switch (name)
        {
            case "gelu": return Each(Gelu.Forward, Gelu.Backward);
            case "gelu_tanh": return Each(GeluTanh.Forward, GeluTanh.Backward);
            case "relu": return Each(Relu.Forward, Relu.Backward);
            case "sigmoid": return Each(Sigmoid.Forward, Sigmoid.Backward);
            case "silu": return Each(Silu.Forward, Silu.Backward);
            case "tanh": return Each(Tanh.Forward, Tanh.Backward);
            case "swish": return Each((x, y) => Swish.Forward(x, 1.7f, y), (x, dy, dx) => Swish.Backward(x, 1.7f, dy, dx));
            case "softmax": return Each((x, y) => Softmax.Forward(x, width, 1, y), (y, dy, dx) => Softmax.Backward(y, width, 1, dy, dx));
            case "log_softmax": return Each((x, y) => LogSoftmax.Forward(x, width, 1, y), (y, dy, dx) => LogSoftmax.Backward(y, width, 1, dy, dx));
            case "rms_norm": return Each((x, y) => RmsNorm.Forward(x, g, 1e-5f, y, r), (x, dy, dx) => RmsNorm.Backward(x, g, r, dy, dx, dg));
            case "layer_norm":
                return Each((x, y) => LayerNorm.Forward(x, g, b, 1e-5f, y, mean, r), (x, dy, dx) => LayerNorm.Backward(x, g, mean, r, dy, dx, dg, db));
            case "batch_norm":
                double[] variance = new double[width];
                Array.Fill(variance, 1);
                return Each((x, y) => BatchNorm.Forward(x, g, b, b, variance, default, 1e-5f, y),
                    (x, dy, dx) => BatchNorm.Backward(x, g, b, variance, default, 1e-5f, true, dy, dx, dg, db));
            case "dropout":
                return Each((x, y) => Dropout.Forward(x, 0.1f, new Philox(1), 0, y), (_, _, dx) => Dropout.Backward(dx, 0.1f, new Philox(1), 0));
            case "dropout_plain":
                return Each((x, y) => PlainDropout.Forward(x, 0.1f, true, new Philox(1), 0, y),
                    (_, _, dx) => PlainDropout.Backward(dx, 0.1f, true, new Philox(1), 0));
            case "residual": return Each((x, y) => Residual.Forward(x, dy, y), (_, dy, dx) => Residual.Backward(dy, dx, y));
            case "weight_decay": return Each((x, y) => WeightDecay.Forward(x, 1e-3, 0.1, y), (_, dy, dx) => WeightDecay.Backward(dy, 1e-3, 0.1, dx));
            case "l1": return Each((x, _) => L1.Forward(x, 0.01), (x, _, dx) => L1.Backward(x, 0.01, 1, dx));
            case "l2": return Each((x, _) => L2.Forward(x, 0.01), (x, _, dx) => L2.Backward(x, 0.01, 1, dx));
            case "attention": return Attended(example);
            default: return null;
        }
    }

    /// <summary>The forward as one would write it with TensorPrimitives, where it has the functions for it.</summary>
    public static Action? Primitives(string name, FormulaExample example)
    {
        if (example.Inputs.Count == 0)
            return null;
        Values first = example.Inputs.First().Value;
        int width = first.Columns;
        float[] x = first.Data, y = new float[x.Length], g = new float[width], b = new float[width];
        Array.Fill(g, 1);
        Action Rows(Map row) => () =>
        {
            for (int at = 0; at < x.Length; at += width)
                row(x.AsSpan(at, width), y.AsSpan(at, width));
        };
        switch (name)
        {
            case "relu": return () => TensorPrimitives.Max(x, 0f, y);
            case "sigmoid": return () => TensorPrimitives.Sigmoid<float>(x, y);
            case "tanh": return () => TensorPrimitives.Tanh<float>(x, y);
            case "silu" or "swish":
                return () =>
                {
                    TensorPrimitives.Sigmoid<float>(x, y);
                    TensorPrimitives.Multiply(x, y, y);
                };
            case "gelu_tanh":
                return () =>
                {
                    TensorPrimitives.Multiply(x, x, y);
                    TensorPrimitives.Multiply(y, 0.0356774081f, y);
                    TensorPrimitives.Add(y, 0.797884561f, y);
                    TensorPrimitives.Multiply(y, x, y);
                    TensorPrimitives.Tanh<float>(y, y);
                    TensorPrimitives.AddMultiply(y, 1f, x, y);
                    TensorPrimitives.Multiply(y, 0.5f, y);
                };
            case "residual": return () => TensorPrimitives.Add(x, example.Inputs["f"].Data, y);
            case "weight_decay": return () => TensorPrimitives.Multiply(x, 0.9999f, y);
            case "softmax": return Rows((x, y) => TensorPrimitives.SoftMax(x, y));
            case "log_softmax":
                return Rows((x, y) =>
                {
                    TensorPrimitives.Subtract(x, TensorPrimitives.Max(x), y);
                    float[] e = new float[y.Length];
                    TensorPrimitives.Exp(y, e);
                    TensorPrimitives.Subtract(y, MathF.Log(TensorPrimitives.Sum<float>(e)), y);
                });
            case "rms_norm":
                return Rows((x, y) =>
                {
                    TensorPrimitives.Multiply(x, 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(x) / width + 1e-5f), y);
                    TensorPrimitives.Multiply(y, g, y);
                });
            case "layer_norm":
                return Rows((x, y) =>
                {
                    TensorPrimitives.Subtract(x, TensorPrimitives.Sum(x) / width, y);
                    TensorPrimitives.Multiply(y, 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(y) / width + 1e-5f), y);
                    TensorPrimitives.MultiplyAdd(y, g, b, y);
                });
            case "batch_norm":
                return Rows((x, y) =>
                {
                    TensorPrimitives.Subtract(x, b, y);
                    TensorPrimitives.MultiplyAdd(y, g, b, y);
                });
            default: return null;
        }
    }

    private static (Action Forward, Action Backward) Attended(FormulaExample example)
    {
        Values q = example.Inputs["q"], k = example.Inputs["k"], v = example.Inputs["v"];
        HeadSizes sizes = HeadSizes.Of("attention", q, k, v);
        HeadAttention.Mask mask = new(true);
        float[] y = new float[q.Count], logs = new float[sizes.Rows], dy = Data.Normal(q.Count), dq = new float[q.Count], dk = new float[k.Count],
            dv = new float[v.Count];
        HeadAttention.Forward(sizes, mask, q, k, v, y, logs);
        return (() => HeadAttention.Forward(sizes, mask, q, k, v, y, logs),
            () => HeadAttention.Backward(sizes, mask, q, k, v, y, logs, dy, dq, dk, dv));
    }
}
