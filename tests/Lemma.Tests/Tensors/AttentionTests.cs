using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Tensors;

/// <summary>Attention over heads that lie anywhere, with every term and pattern, against plain loops in double.</summary>
[Trait("Kernels", "true")]
public class AttentionTests
{
    private static readonly AttentionHeads Heads = new(4, 2, 8) { ValueWidth = 5, Scale = 0.4f };
    private static readonly int[] Lengths = [7, 1, 12];

    public static TheoryData<AttentionPattern?, int> Patterns => new()
    {
        { null, 0 }, { null, 3 }, { new MultiScaleWindows([1, 3, 0, 4]), 0 }, { new BlockSparse(2, Local: 0, Stride: 3, Global: 1, Random: 1), 0 },
        { new BlockSparse(3, Local: 0, Global: 0, Random: 2), 5 },
    };

    [Theory, MemberData(nameof(Patterns))]
    public void PatternsOfCausalHeads(AttentionPattern? pattern, int window) =>
        Check(Heads with { Pattern = pattern, Window = window }, Lengths, Lengths, hasTerms: false);

    [Theory, MemberData(nameof(Patterns))]
    public void PatternsWithACapABiasAndSinks(AttentionPattern? pattern, int window) =>
        Check(Heads with { Pattern = pattern, Window = window }, Lengths, Lengths, hasTerms: true);

    [Fact]
    public void QueriesOfOneSequenceSeeKeysOfAnother() => Check(Heads with { Causal = false }, Lengths, [3, 9, 1], hasTerms: false);

    [Fact]
    public void BlocksOfBothDirections() =>
        Check(Heads with { Causal = false, Pattern = new BlockSparse(2, Local: 0, Global: 1, Random: 1) }, Lengths, Lengths, hasTerms: true);

    [Fact]
    public void PrefixesAreSeenByAll() => Check(Heads, Lengths, Lengths, hasTerms: true, prefixes: [3, 0, 12]);

    [Theory, InlineData(true, false), InlineData(true, true), InlineData(false, false)]
    public void ALongSequenceOfFewHeadsIsCut(bool causal, bool hasTerms) =>
        Check(new AttentionHeads(2, 1, 3, causal) { ValueWidth = 2 }, [506], [506], hasTerms);

    [Fact]
    public void APrefixReachesBeyondItsPart() => Check(new AttentionHeads(1, 1, 3), [507], [507], hasTerms: false, prefixes: [400]);

    [Fact]
    public void LongHeadsOfOneGroupHaveWindowsOfTheirOwn() =>
        Check(new AttentionHeads(2, 1, 3) { Pattern = new MultiScaleWindows([200, 5]) }, [506], [506], hasTerms: false);

    [Fact]
    public void HeadsShareOneTensor() => OperationCheck.Run((tape, t) => tape.Attention(new HeadColumns(t[0], 5), new HeadColumns(t[0], 37),
            new HeadColumns(t[0], 53), Lengths, Lengths, Heads), x => Twin(Part(x[0], 5, 32), Part(x[0], 37, 16), Part(x[0], 53, 10), Heads, Lengths, Lengths),
        new Shape(Lengths.Sum(), 64));

    [Fact]
    public void SpansLearnHowFarTheyReach()
    {
        // The distances of 12 positions.
        static double Line(double span, int distance) =>
            distance > 0 ? double.NegativeInfinity : Math.Log(Math.Clamp((Math.Abs(span) + 2.5 + distance) / 1.5, 0, 1));
        OperationCheck.Run((tape, t) => tape.Attention(new HeadColumns(t[0], 0), new HeadColumns(t[0], 32), new HeadColumns(t[0], 48), Lengths, Lengths,
                Heads, new AttentionTerms(Bias: tape.SpanBias(Positive(tape, t[1]), 1.5, -11, 11), BiasZero: 11)),
            x => Twin(Part(x[0], 0, 32), Part(x[0], 32, 16), Part(x[0], 48, 10), Heads, Lengths, Lengths,
                bias: [.. x[1].SelectMany(span => Enumerable.Range(-11, 23).Select(distance => Line(span, distance)))]),
            new Shape(Lengths.Sum(), 58), new Shape(4));

        // |z| + 1 by parts that have gradients, so that spans are above 0 and off the ends of the ramp.
        static Tensor Positive(Tape tape, Tensor z)
        {
            Tensor one = tape.Input(z.Shape, [.. Enumerable.Repeat(1f, 4)]);
            float[] signs = [.. tape[z].ToArray().Select(value => value < 0 ? -1f : 1f)];
            return tape.Add(tape.Multiply(z, tape.Input(z.Shape, signs)), one);
        }
    }

    [Theory, InlineData(3, 5, 12), InlineData(4, 100, 12), InlineData(200, 250, 506)]
    public void ChunksKeepDistancesWithinTheTrainedLength(int chunk, int trained, int longest)
    {
        DualChunk chunks = new(chunk, trained);
        AttentionHeads heads = new(2, 1, 4) { ValueWidth = 3, Pattern = chunks };
        int[] lengths = longest == 12 ? [7, 12] : [longest];
        int[] positions = [.. lengths.SelectMany(length => Enumerable.Range(0, length))];
        RopeTable table = new(trained, 4, 100, interleaved: false);
        OperationCheck.Run((tape, t) =>
        {
            Tensor keys = tape.Columns(t[0], 8, 4);
            tape.DualChunkKeysInPlace(keys, 0, 1, 4, positions, table, chunks);
            return tape.Attention(new HeadColumns(tape.DualChunkQueries(tape.Columns(t[0], 0, 8), 2, positions, table, chunks), 0), new HeadColumns(keys, 0),
                new HeadColumns(t[0], 12), lengths, lengths, heads);
        }, x => ChunkTwin(x[0], lengths, chunks), new Shape(lengths.Sum(), 15));
    }

    // Rows of two queries of 4, a key of 4 and a value of 3.
    private static double[] ChunkTwin(double[] x, int[] lengths, DualChunk chunks)
    {
        List<double> y = [];
        int first = 0;
        foreach (int length in lengths)
        {
            double[][] rows = [.. x.Skip(15 * first).Take(15 * length).Chunk(15)];
            double[][] keys = [.. rows.Select((row, j) => Turn(row.AsSpan(8, 4), j % chunks.Chunk))];
            for (int i = 0; i < length; i++)
            {
                for (int h = 0; h < 2; h++)
                {
                    double[][] forms = [.. Enumerable.Range(0, 3).Select(back => Turn(rows[i].AsSpan(4 * h, 4), back switch
                    {
                        0 => i % chunks.Chunk,
                        1 => Math.Min(i % chunks.Chunk + chunks.Chunk, chunks.TrainedLength - 1),
                        _ => chunks.TrainedLength - 1,
                    }))];
                    double[] weights = new double[i + 1];
                    for (int j = 0; j <= i; j++)
                    {
                        double[] query = forms[Math.Min(2, i / chunks.Chunk - j / chunks.Chunk)], key = keys[j];
                        weights[j] = Math.Exp((query[0] * key[0] + query[1] * key[1] + query[2] * key[2] + query[3] * key[3]) / 2);
                    }
                    double total = weights.Sum();
                    for (int e = 0; e < 3; e++)
                    {
                        double sum = 0;
                        for (int j = 0; j <= i; j++)
                            sum += weights[j] / total * rows[j][12 + e];
                        y.Add(sum);
                    }
                }
            }
            first += length;
        }
        return [.. y];

        static double[] Turn(ReadOnlySpan<double> head, int position)
        {
            double near = position, far = position / 10.0;
            return [head[0] * Math.Cos(near) - head[2] * Math.Sin(near), head[1] * Math.Cos(far) - head[3] * Math.Sin(far),
                head[2] * Math.Cos(near) + head[0] * Math.Sin(near), head[3] * Math.Cos(far) + head[1] * Math.Sin(far)];
        }
    }

    [Fact]
    public void AReachSavesWorkAndChangesNoBit()
    {
        float[] x = OperationCheck.Random(300 * 58, 1);
        Assert.Equal(Run(0), Run(null));

        float[] Run(int? window)
        {
            using Workers workers = new(2);
            using Tape tape = new(workers);
            Tensor t = tape.Input(new Shape(300, 58), x), spans = tape.Input(new Shape(4), [3, 9.5f, 0, 30]);
            Tensor y = tape.Attention(new HeadColumns(t, 0), new HeadColumns(t, 32), new HeadColumns(t, 48), new[] { 300 }, new[] { 300 },
                Heads with { Window = window ?? tape.SpanReach(spans, 4) }, new AttentionTerms(Bias: tape.SpanBias(spans, 4, -299, 299), BiasZero: 299));
            tape.Gradient(y).Fill(0.3f);
            Assert.Equal(34, tape.SpanReach(spans, 4));
            tape.RunBackward();
            return [.. tape[y], .. tape.Gradient(t), .. tape.Gradient(spans)];
        }
    }

    [Fact]
    public void PatternsThatDoNotFitAreRefused()
    {
        Refused("3 windows do not fit 4 heads", Heads with { Pattern = new MultiScaleWindows([1, 2, 3]) });
        Refused("[1, 2, -3, 4]", Heads with { Pattern = new MultiScaleWindows([1, 2, -3, 4]) });
        Refused("causal", Heads with { Pattern = new MultiScaleWindows([1, 2, 3, 4]), Causal = false });
        Refused("[1, 4]", Heads with { Pattern = new DualChunk(5, 5) });
        Refused("without a window", Heads with { Pattern = new DualChunk(4, 5), Window = 3 });
        Refused("block 0", Heads with { Pattern = new BlockSparse(0) });

        static void Refused(string part, AttentionHeads heads) =>
            Assert.Contains(part, Assert.Throws<ArgumentException>(() => heads.Validate()).Message, StringComparison.Ordinal);
    }

    private static void Check(AttentionHeads heads, int[] queries, int[] keys, bool hasTerms, int[]? prefixes = null)
    {
        int longest = queries.Concat(keys).Max(), distances = 2 * longest - 1;
        Shape[] shapes = [new(queries.Sum(), heads.Heads * heads.HeadWidth), new(keys.Sum(), heads.KeyValueHeads * heads.HeadWidth),
            new(keys.Sum(), heads.KeyValueHeads * heads.ValueWidth)];
        if (hasTerms)
            shapes = [.. shapes, new(heads.Heads, distances), new(heads.Heads)];
        OperationCheck.Run((tape, t) => tape.Attention(new HeadColumns(t[0], 0), new HeadColumns(t[1], 0), new HeadColumns(t[2], 0), queries, keys, heads,
                hasTerms ? new AttentionTerms(1.5f, t[3], longest - 1, t[4]) : default, prefixes),
            x => Twin(x[0], x[1], x[2], heads, queries, keys, hasTerms ? 1.5 : 0, hasTerms ? x[3] : null, hasTerms ? x[4] : null, prefixes), shapes);
    }

    private static double[] Part(double[] rows, int first, int count)
    {
        int width = rows.Length / Lengths.Sum();
        return [.. rows.Chunk(width).SelectMany(row => row.Skip(first).Take(count))];
    }

    private static double[] Twin(double[] q, double[] k, double[] v, AttentionHeads heads, int[] queries, int[] keys, double cap = 0, double[]? bias = null,
        double[]? sinks = null, int[]? prefixes = null)
    {
        int d = heads.HeadWidth, width = heads.ValueWidth, group = heads.Heads / heads.KeyValueHeads, firstQuery = 0, firstKey = 0;
        double scale = heads.Scale ?? 1 / Math.Sqrt(d);
        double[] y = new double[queries.Sum() * heads.Heads * width];
        for (int sequence = 0; sequence < queries.Length; firstQuery += queries[sequence], firstKey += keys[sequence], sequence++)
        {
            double[] scores = new double[keys[sequence]];
            for (int h = 0; h < heads.Heads; h++)
            {
                for (int i = 0; i < queries[sequence]; i++)
                {
                    double largest = sinks?[h] ?? double.NegativeInfinity, total = 0;
                    for (int j = 0; j < scores.Length; j++)
                    {
                        scores[j] = double.NegativeInfinity;
                        if (!Sees(heads, h, i, j, scores.Length, prefixes?[sequence] ?? 0))
                            continue;
                        double dot = 0;
                        for (int e = 0; e < d; e++)
                            dot += q[((firstQuery + i) * heads.Heads + h) * d + e] * k[((firstKey + j) * heads.KeyValueHeads + h / group) * d + e];
                        scores[j] = (cap == 0 ? dot * scale : cap * Math.Tanh(dot * scale / cap))
                            + (bias is null ? 0 : bias[h * (bias.Length / heads.Heads) + bias.Length / heads.Heads / 2 + j - i]);
                        largest = Math.Max(largest, scores[j]);
                    }
                    if (double.IsNegativeInfinity(largest))
                        continue;
                    total = scores.Sum(score => Math.Exp(score - largest)) + (sinks is null ? 0 : Math.Exp(sinks[h] - largest));
                    for (int j = 0; j < scores.Length; j++)
                    {
                        double weight = Math.Exp(scores[j] - largest) / total;
                        for (int e = 0; e < width && weight != 0; e++)
                            y[((firstQuery + i) * heads.Heads + h) * width + e] += weight * v[((firstKey + j) * heads.KeyValueHeads + h / group) * width + e];
                    }
                }
            }
        }
        return y;
    }

    private static bool Sees(AttentionHeads heads, int h, int i, int j, int keys, int prefix)
    {
        int window = heads.Pattern is MultiScaleWindows windows ? windows.Windows[h] : heads.Window;
        if ((heads.Causal && j > i && j >= prefix) || (window > 0 && i - j >= window))
            return false;
        if (heads.Pattern is not BlockSparse sparse)
            return true;
        int row = i / sparse.Block, column = j / sparse.Block, blocks = (keys + sparse.Block - 1) / sparse.Block;
        Philox generator = new(sparse.Seed, (ulong)row);
        return Math.Abs(row - column) <= sparse.Local || row < sparse.Global || column < sparse.Global
            || (sparse.Stride > 0 && (column + 1) % sparse.Stride == 0)
            || Enumerable.Range(0, sparse.Random).Any(n => generator.Below(heads.Causal ? row + 1 : blocks, (ulong)n) == column);
    }
}
