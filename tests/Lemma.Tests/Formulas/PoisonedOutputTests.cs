using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>A forward writes its outputs and does not read what is there: NaN before, the same bits after.</summary>
[Trait("Kernels", "true")]
public class PoisonedOutputTests
{
    private delegate void Into(float[] y, float[] kept, float[] more);

    private const int Rows = 3, Width = 37, All = Rows * Width;

    private static readonly float[] X = OperationCheck.Random(All, 1), Z = OperationCheck.Random(All, 2);
    private static readonly float[] W = OperationCheck.Random(Width * Width, 3);
    private static readonly float[] P = [.. X.Chunk(Width).SelectMany(row => row.Select(value => Math.Abs(value) / row.Sum(Math.Abs)))];
    private static readonly int[] Ids = [.. Enumerable.Range(0, Rows).Select(row => 5 * row)];
    private static readonly float[] Counts = [.. Enumerable.Range(0, All).Select(i => (float)(i * 7 % 4))];
    private static readonly HeadSizes Heads = new(1, 1, 1, Rows, Rows, Width, Width);
    private static readonly HeadSizes EvenHeads = new(1, 1, 1, Rows, Rows, Width - 1, Width - 1), NarrowHeads = new(1, 1, 1, 3, 3, 3, 3);

    private static readonly MultiHeadAttention.Options Attending = new(1, 1, 1, Width, new HeadAttention.Mask(true));

    private static readonly Dictionary<string, Into> Forwards = new()
    {
        ["gelu"] = (y, _, _) => Gelu.Forward(X, y),
        ["gelu_tanh"] = (y, _, _) => GeluTanh.Forward(X, y),
        ["relu"] = (y, _, _) => Relu.Forward(X, y),
        ["sigmoid"] = (y, _, _) => Sigmoid.Forward(X, y),
        ["silu"] = (y, _, _) => Silu.Forward(X, y),
        ["soft_cap"] = (y, _, _) => SoftCap.Forward(X, 2, y),
        ["swish"] = (y, _, _) => Swish.Forward(X, 1.7f, y),
        ["tanh"] = (y, _, _) => Tanh.Forward(X, y),
        ["softmax"] = (y, _, _) => Softmax.Forward(X, Width, 1, y),
        ["log_softmax"] = (y, _, _) => LogSoftmax.Forward(X, Width, 1, y),
        ["cross_entropy"] = (_, losses, logs) => CrossEntropy.Forward(X, Ids, losses.AsSpan(0, Rows), logs.AsSpan(0, Rows)),
        ["dropout"] = (y, _, _) => Dropout.Forward(X, 0.3f, new Philox(1), 0, y),
        ["dropout_plain"] = (y, _, _) => PlainDropout.Forward(X, 0.3f, true, new Philox(1), 0, y),
        ["label_smoothing"] = (y, _, _) => LabelSmoothing.Forward(P, Width, 0.1, y),
        ["scaled_residual"] = (y, _, _) => ScaledResidual.Forward(X, Z, 0.22f, y),
        ["residual"] = (y, _, _) => Residual.Forward(X, Z, y),
        ["weight_decay"] = (y, _, _) => WeightDecay.Forward(X, 0.1, 0.1, y),
        ["batch_norm"] = (y, mean, _) =>
        {
            double[] variance = new double[Width];
            Array.Fill(variance, double.NaN);
            BatchNorm.Statistics(X, default, mean.AsSpan(0, Width), variance);
            BatchNorm.Forward(X, Z.AsSpan(0, Width), Z.AsSpan(0, Width), mean.AsSpan(0, Width), variance, default, 1e-5f, y);
        },
        ["layer_norm"] = (y, mean, r) =>
            LayerNorm.Forward(X, Z.AsSpan(0, Width), Z.AsSpan(0, Width), 1e-5f, y, mean.AsSpan(0, Rows), r.AsSpan(0, Rows)),
        ["rms_norm"] = (y, r, _) => RmsNorm.Forward(X, Z.AsSpan(0, Width), 1e-5f, y, r.AsSpan(0, Rows)),
        ["rms_norm outside"] = (y, r, _) => RmsNormOutside.Forward(X, Z.AsSpan(0, Width), 1e-5f, y, r.AsSpan(0, Rows)),
        ["pre_norm"] = (y, n, r) => PreNorm.Forward(X, W, Z.AsSpan(0, Width), 1e-5f, y, n, r.AsSpan(0, Rows)),
        ["post_norm"] = (y, s, r) => PostNorm.Forward(X, W, Z.AsSpan(0, Width), 1e-5f, y, s, r.AsSpan(0, Rows)),
        ["alibi"] = (y, _, _) => LinearBias.Forward(Rows, Width, 1, y),
        ["learned_positions"] = (y, _, _) => LearnedPositions.Forward(X, Z, Rows, Width, 0, y),
        ["relative_buckets"] = (y, _, _) => RelativeBuckets.Forward(Z, Rows, 1, Width, 128, true, y),
        ["rope"] = (y, _, _) => RopeFormula.Forward(X.AsSpan(0, All - Rows), Z.AsSpan(0, All / 2 - 1), Z.AsSpan(0, All / 2 - 1), Width - 1,
            false, y.AsSpan(0, All - Rows)),
        ["sinusoidal_positions"] = (y, _, _) => SinusoidalPositions.Forward(Ids, Width - 1, y.AsSpan(0, Rows * (Width - 1))),
        ["attention"] = (y, logs, _) => HeadAttention.Forward(Heads, new HeadAttention.Mask(true), X, Z, X, y, logs.AsSpan(0, Rows)),
        ["linear_attention"] = (y, _, _) => LinearAttention.Forward(X, Z, X, Rows, Width, Width, true, y),
        ["linear_attention chunked"] = (y, _, _) => LinearAttention.ForwardChunked(X, Z, X, Rows, Width, Width, 2, y),
        ["short_convolution"] = (y, _, _) => ShortConvolution.Forward(X, Z.AsSpan(0, 2 * Width), default, Rows, Width, y),
        ["gated_delta_rule"] = (y, _, _) => GatedDeltaRule.Forward(new(1, 1, 1, Rows, Width, Width), X, Z, X, P.AsSpan(0, Rows), P.AsSpan(0, Rows), y),
        ["gated_delta_rule chunked"] = (y, _, _) =>
            GatedDeltaRule.ForwardChunked(new(1, 1, 1, Rows, Width, Width), X, Z, X, P.AsSpan(0, Rows), P.AsSpan(0, Rows), 2, y),
        ["log_decay"] = (y, _, _) => LogDecay.Forward(X, Z.AsSpan(0, Width), Z.AsSpan(0, Width), y),
        ["clamped_gate"] = (y, _, _) => ClampedGate.Forward(X, Z, 7, 1.702f, y),
        ["adaptive_span"] = (y, logs, _) => AdaptiveSpan.Forward(Heads, [1.5f], 2, X, Z, X, y, logs.AsSpan(0, Rows)),
        ["block_sparse_attention"] = (y, logs, _) =>
            BlockSparseAttention.Forward(Heads, new BlockSparseAttention.Pattern(2, 1, 0, 0, 0, 1, true), X, Z, X, y, logs.AsSpan(0, Rows)),
        ["dual_chunk_attention"] = (y, logs, _) => DualChunkAttention.Forward(EvenHeads, 2, 4, 10000, X.AsSpan(0, All - Rows),
            Z.AsSpan(0, All - Rows), X.AsSpan(0, All - Rows), y.AsSpan(0, All - Rows), logs.AsSpan(0, Rows)),
        ["multi_scale_window_attention"] = (y, logs, _) =>
            MultiScaleWindowAttention.Forward(Heads, [2], X, Z, X, y, logs.AsSpan(0, Rows)),
        ["efficient_attention"] = (y, queries, keys) =>
            EfficientAttention.Forward(Heads, X, Z, X, y, queries, keys, new float[Width * Width]),
        ["efficient_attention context"] = (y, queries, context) => EfficientAttention.Forward(NarrowHeads, X.AsSpan(0, 9), Z.AsSpan(0, 9),
            X.AsSpan(0, 9), y.AsSpan(0, 9), queries.AsSpan(0, 9), new float[9], context.AsSpan(0, 9)),
        ["qk_norm"] = (scores, qn, r) => QueryKeyNorm.Forward(X, Z, Z.AsSpan(0, Width), Z.AsSpan(0, Width), 1e-5f, scores.AsSpan(0, Rows * Rows),
            qn, new float[All], r.AsSpan(0, Rows), new float[Rows]),
        ["ffn_glu"] = (y, u, h) => GatedFeedForward.Forward(new ActivationFunction("silu"), X, W, W, W, Width, y, u, new float[All], h),
        ["glu"] = (y, a, gate) =>
            GatedUnit.Forward(X, W, W, Z.AsSpan(0, Width), Z.AsSpan(0, Width), Width, y, a, new float[All], gate),
        ["binary_erasure_capacity"] = (y, _, _) => ErasureChannel.Forward(P, y),
        ["binary_symmetric_capacity"] = (y, _, _) => SymmetricChannel.Forward(P, y),
        ["eigen"] = (y, _, _) => InDouble(y, (a, to) => EigenValues.Forward(a, 2, to[..2], to[2..6])),
        ["svd"] = (y, _, _) => InDouble(y, (a, to) => SingularValues.Forward(a, 2, 2, to[..2], to[2..6], to[6..10])),
        ["matrix_inverse"] = (y, _, _) => InDouble(y, (a, to) => MatrixInverse.Forward(a, 2, to[..4])),
        ["per_layer_embedding"] = (y, _, _) => PerLayerEmbedding.Forward(Ids, W, X, Width, 2, y),
        ["embedding"] = (y, _, _) => Embedding.Forward(Ids, W, Width, y),
        ["linear"] = (y, _, _) => LinearMap.Forward(X, W, Z.AsSpan(0, Width), Width, y),
        ["linear without bias"] = (y, _, _) => LinearMap.Forward(X, W, default, Width, y),
        ["ffn"] = (y, u, h) => FeedForwardLayer.Forward(new ActivationFunction("gelu"), X, W, Z.AsSpan(0, Width), W, Z.AsSpan(0, Width), y, u, h),
        ["entropy"] = (y, _, _) => Entropy.Forward(P, Width, 1, y.AsSpan(0, Rows)),
        ["information_cross_entropy"] = (y, _, _) => DistributionCrossEntropy.Forward(P, P, Width, 1, y.AsSpan(0, Rows)),
        ["jensen_shannon"] = (y, _, _) => JensenShannon.Forward(P, P, Width, 1, y.AsSpan(0, Rows)),
        ["self_information"] = (y, _, _) => SelfInformation.Forward(P, 1, y),
        ["gae"] = (y, _, _) => GeneralizedAdvantage.Forward(X.AsSpan(0, All - Rows), Z, Width - 1, 0.9, 0.9, y.AsSpan(0, All - Rows)),
        ["grpo_advantages"] = (y, _, _) => GroupAdvantage.Forward(X, Width, 1e-4, y),
        ["gradient_accumulation"] = (y, _, _) => Accumulation.Forward(X, y.AsSpan(0, Width)),
        ["identity_matrix"] = (y, _, _) => IdentityMatrix.Forward(9, y.AsSpan(0, 81)),
        ["matrix_add"] = (y, _, _) => MatrixSum.Forward(X, Z, y),
        ["matrix_multiply"] = (y, _, _) => MatrixMultiplication.Forward(X, W, Width, y),
        ["zero_matrix"] = (y, _, _) => ZeroMatrix.Forward(Rows, Width, y),
        ["einsum"] = (y, _, _) => EinsteinSum.Forward("ij,jk->ki", X, [Rows, Width], W, [Width, Width], y),
        ["moe"] = (y, _, _) => ExpertLayer.Forward(new(new Routing.Options(1, 1), Width, 1), X, Z.AsSpan(0, Width), Z.AsSpan(0, Width),
            X.AsSpan(0, Width), X.AsSpan(0, Width), y),
        ["expert_capacity"] = (y, _, _) => Capacity.Forward(X, Width, 2, y),
        ["moe_route"] = (gates, scores, _) => Routing.Forward(new Routing.Options(Width, 2), X, default, gates, scores, new int[2 * Rows]),
        ["kv_cache"] = (y, _, _) =>
            CachedKeys.Forward(new(1, 1, Width, Rows), X.AsSpan(0, Width), Z, X, 1, y.AsSpan(0, Width)),
        ["kv_cache append"] = (cache, _, _) =>
        {
            for (int position = 0; position < Rows; position++)
                CachedKeys.Append(new(1, 1, Width, Rows), X.AsSpan(position * Width, Width), position, cache);
        },
        ["multi_head_attention"] = (y, _, _) => MultiHeadAttention.Forward(Attending, X, X, W, W, W, W, y),
        ["multi_query_attention"] = (y, _, _) => MultiQueryAttention.Forward(Attending, X, W, W, W, W, y),
        ["grouped_query_attention"] = (y, _, _) => GroupedQueryAttention.Forward(Attending, X, W, W, W, W, y),
        ["cross_attention"] = (y, _, _) => CrossAttention.Forward(Attending, X, Z, W, W, W, W, y),
        ["clip_grad_norm"] = (y, _, _) => GradientNorm.Forward(X, 1, y),
        ["add_k"] = (y, _, _) => AddK.Forward(Counts, Width, 1, y),
        ["katz_backoff"] = (y, _, _) => KatzBackoff.Forward(Counts, P, Width, 2, y),
        ["kneser_ney"] = (y, _, _) => KneserNey.Forward(Counts, P, Width, true, y),
        ["bits_per_byte"] = (y, _, _) => BitsPerByte.Forward(X, 3, 4, y),
        ["hadamard"] = (y, _, _) => Hadamard.Forward(X.AsSpan(0, 96), 32, y.AsSpan(0, 96)),
        ["matrix_transpose"] = (y, _, _) => MatrixTranspose.Forward(X, Rows, Width, y),
    };

    public static TheoryData<string> Names => [.. Forwards.Keys];

    [Theory, MemberData(nameof(Names))]
    public void AForwardDoesNotReadItsOutputs(string name)
    {
        float[][] sevens = Filled(7), poisoned = Filled(float.NaN);
        Forwards[name](sevens[0], sevens[1], sevens[2]);
        Forwards[name](poisoned[0], poisoned[1], poisoned[2]);
        Assert.Contains(poisoned, output => output.Any(float.IsFinite));
        for (int output = 0; output < poisoned.Length; output++)
        {
            // Only what lies behind the end of an output keeps what was there.
            int end = Array.FindLastIndex(poisoned[output], float.IsFinite) + 1;
            Assert.Equal(sevens[output][..end], poisoned[output][..end]);
            Assert.All(sevens[output][end..], value => Assert.Equal(7, value));
        }
    }

    private delegate void IntoDouble(ReadOnlySpan<double> a, Span<double> y);

    // A symmetric matrix of two rows in, results in double out by way of the outputs.
    private static void InDouble(float[] y, IntoDouble forward)
    {
        double[] outputs = Array.ConvertAll(y, value => (double)value);
        forward([2, 1, 1, 3], outputs);
        for (int i = 0; i < y.Length; i++)
            y[i] = (float)outputs[i];
    }

    private static float[][] Filled(float value) => [.. Enumerable.Range(0, 3).Select(_ => Enumerable.Repeat(value, All).ToArray())];
}
