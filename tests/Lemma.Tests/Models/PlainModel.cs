using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Models;

/// <summary>Models of Llama's shape as compositions of plain operations, a matrix of scores a head: the oracle of the mixers' fused ones.</summary>
/// <param name="tape">The tape; its parameters are those of a model of the same config.</param>
/// <param name="rows">What is read; every row is scored against all rows, and those of other sequences are hidden.</param>
internal sealed class PlainModel(Tape tape, Rows rows)
{
    private delegate bool Seen(int query, int key);

    private static readonly Dictionary<string, object> None = [];
    private readonly (int Sequence, int Position)[] places = [.. rows.Lengths.ToArray().SelectMany((length, sequence) =>
        Enumerable.Range(0, length).Select(position => (sequence, position)))];

    public Tensor Logits(DecoderConfig config) => tape.Linear(Stack(config.Stack, ""), Given("head.weight"));

    public Tensor Logits(EncoderDecoderConfig config, Rows source)
    {
        PlainModel encoder = new(tape, source);
        return tape.Linear(Stack(config.Decoder, "decoder.", encoder, encoder.Stack(config.Encoder, "encoder.")), Given("head.weight"));
    }

    private Tensor Stack(StackConfig config, string name, PlainModel? encoder = null, Tensor encoded = default)
    {
        Tensor x = tape.Embedding(rows.Ids, Given("embedding.weight"));
        if (config.Embedding.Sinusoidal)
            x = tape.Add(x, tape.Input(x.Shape, [.. places.SelectMany(place => Sines(place.Position, x.Shape.Columns))]));
        for (int i = 0; i < config.Blocks.Count; i++)
        {
            BlockConfig block = config.Blocks[i];
            string place = $"{name}blocks.{i}";
            x = tape.Add(x, Mix(block.Mixer, $"{place}.attention", Norm(x, block.Before!, $"{place}.attention_norm")));
            if (block.Cross is { } cross)
                x = tape.Add(x, Cross(cross, $"{place}.cross", Norm(x, block.Before!, $"{place}.cross_norm"), encoder!, encoded));
            Tensor both = Linear(Norm(x, block.Before!, $"{place}.feed_forward_norm"), $"{place}.feed_forward.gate_up");
            int hidden = block.FeedForward.HiddenWidth;
            x = tape.Add(x, Linear(tape.Multiply(tape.Activate(tape.Columns(both, 0, hidden), Activation.Silu), tape.Columns(both, hidden, hidden)),
                $"{place}.feed_forward.down"));
        }
        return Norm(x, config.Norm!, $"{name}norm");
    }

    private Tensor Mix(MixerConfig mixer, string name, Tensor x) => Linear(mixer switch
    {
        AttentionConfig attention => Attention(attention, name, x),
        LatentAttentionConfig latent => Latent(latent, name, x),
        LinearAttentionConfig linear => LinearAttention(linear, name, x),
        ShortConvolutionConfig => Convolution(name, x),
        GatedDeltaConfig delta => Delta(delta, name, x),
        _ => throw new NotSupportedException($"{mixer}"),
    }, $"{name}.output");

    private Tensor Attention(AttentionConfig config, string name, Tensor x)
    {
        int d = config.HeadWidth, queries = config.Heads * d, keys = config.KeyValueHeads * d;
        Tensor all = Linear(x, $"{name}.qkv"), asked = tape.Columns(all, 0, queries), met = tape.Columns(all, queries, keys);
        if (config.NormsWholeRows)
            (asked, met) = (Norm(asked, config.QueryKeyNorm!, $"{name}.query_norm"), Norm(met, config.QueryKeyNorm!, $"{name}.key_norm"));
        return Join(config.Heads, head =>
        {
            Tensor heard = Head(head);
            return config.OutputGate ? tape.Multiply(heard, tape.Activate(tape.Columns(all, queries + 2 * keys + head * d, d), Activation.Sigmoid)) : heard;
        });

        Tensor Head(int head)
        {
            int own = head / (config.Heads / config.KeyValueHeads) * d;
            Tensor query = tape.Columns(asked, head * d, d), key = tape.Columns(met, own, d), value = tape.Columns(all, queries + keys + own, d);
            if (config.ValueNorm is { } valueNorm)
                value = Norm(value, valueNorm, $"{name}.value_norm");
            if (config is { QueryKeyNorm: { } norm, NormsWholeRows: false })
                (query, key) = (Norm(query, norm, $"{name}.query_norm"), Norm(key, norm, $"{name}.key_norm"));
            Tensor scores = config.Pattern is DualChunk chunks ? InChunks(query, key, config.Rotary!, chunks)
                : tape.Linear(Turn(query, config.Rotary, row => places[row].Position), Turn(key, config.Rotary, row => places[row].Position));
            scores = tape.Scale(scores, (float)(1 / Math.Sqrt(d)));
            if (config.ScoreCap > 0)
                scores = tape.Cap(scores, config.ScoreCap);
            scores = Hide(scores, (i, j) => Sees(config, head, i, j));
            if (config.Sinks)
            {
                scores = tape.Concatenate(scores, Product(Full(1, scores.Shape.Rows, 1), tape.Columns(Given($"{name}.sinks"), head, 1)));
                return Product(tape.Columns(Softmax(scores), 0, places.Length), value);
            }
            Tensor weights = Softmax(scores);
            return config.Span is { } span ? Mean(tape.Multiply(weights, Spans(tape.Columns(Given($"{name}.spans"), head, 1), span.Ramp)), value)
                : Product(weights, value);
        }
    }

    // Which keys of its own sequence a query sees.
    private static bool Sees(AttentionConfig config, int head, int query, int key) => (config.Mask == MaskKind.None || key <= query)
        && (config.Window is not { } window || (query - key < window && key - query < window)) && config.Pattern switch
        {
            MultiScaleWindows windows => windows.Windows[head] == 0 || query - key < windows.Windows[head],
            BlockSparse sparse => new BlockSparseAttention.Pattern(sparse.Block, sparse.Local, sparse.Stride, sparse.Global, sparse.Random, sparse.Seed,
                Causal: true).Sees(query / sparse.Block, key / sparse.Block, 0),
            _ => true,
        };

    // A query meets its own chunk, the one before and earlier ones at a position of its own each; keys stand at their place in their chunk.
    private Tensor InChunks(Tensor query, Tensor key, RotaryConfig rotary, DualChunk chunks)
    {
        Tensor turned = Turn(key, rotary, row => places[row].Position % chunks.Chunk), scores = Full(0, places.Length, places.Length);
        for (int form = 0; form < 3; form++)
        {
            int back = form;
            Tensor asked = Turn(query, rotary, row => DualChunkAttention.Position(places[row].Position, back, chunks.Chunk, chunks.TrainedLength));
            scores = tape.Add(scores, tape.Multiply(tape.Linear(asked, turned), Of((i, j) =>
                Math.Clamp(places[i].Position / chunks.Chunk - places[j].Position / chunks.Chunk, 0, 2) == back ? 1 : 0)));
        }
        return scores;
    }

    // m(x) = clip((z + R − x)/R, 0, 1) of the distance x of every query and key; clip(u, 0, 1) = max(0, u) − max(0, u − 1).
    private Tensor Spans(Tensor span, float ramp)
    {
        Tensor all = Product(Product(Full(1, places.Length, 1), span), Full(1, 1, places.Length));
        Tensor u = tape.Scale(tape.Add(all, Of((i, j) => ramp - (places[i].Position - places[j].Position))), 1 / ramp);
        return tape.AddScaled(tape.Activate(u, Activation.Relu), tape.Activate(tape.AddNumber(u, -1), Activation.Relu), -1);
    }

    private Tensor Latent(LatentAttentionConfig config, string name, Tensor x)
    {
        (int plain, int turning, int rank, int each) = (config.PlainWidth, config.RotaryWidth, config.KeyValueRank, config.PlainWidth + config.ValueWidth);
        Tensor asked = Linear(Norm(Linear(x, $"{name}.query_down"), config.Norm, $"{name}.query_norm"), $"{name}.query"), down = Linear(x, $"{name}.latent");
        Tensor shared = Turn(tape.Columns(down, rank, turning), config.Rotary, row => places[row].Position);
        Tensor up = Linear(Norm(tape.Columns(down, 0, rank), config.Norm, $"{name}.latent_norm"), $"{name}.key_value");
        return Join(config.Heads, head =>
        {
            Tensor query = tape.Concatenate(tape.Columns(asked, head * config.HeadWidth, plain),
                Turn(tape.Columns(asked, head * config.HeadWidth + plain, turning), config.Rotary, row => places[row].Position));
            Tensor key = tape.Concatenate(tape.Columns(up, head * each, plain), shared);
            Tensor scores = Hide(tape.Scale(tape.Linear(query, key), (float)(1 / Math.Sqrt(config.HeadWidth))), (i, j) => j <= i);
            return Product(Softmax(scores), tape.Columns(up, head * each + plain, config.ValueWidth));
        });
    }

    private Tensor LinearAttention(LinearAttentionConfig config, string name, Tensor x)
    {
        Tensor query = Features(Linear(x, $"{name}.query")), key = Features(Linear(x, $"{name}.key")), value = Linear(x, $"{name}.value");
        Tensor causal = Of((i, j) => SameSequence(i, j) && places[j].Position <= places[i].Position ? 1 : 0);
        return Join(config.Heads, head => Mean(tape.Multiply(tape.Linear(tape.Columns(query, head * config.HeadWidth, config.HeadWidth),
            tape.Columns(key, head * config.HeadWidth, config.HeadWidth)), causal), tape.Columns(value, head * config.ValueWidth, config.ValueWidth)));
    }

    private Tensor Convolution(string name, Tensor x)
    {
        Tensor all = Linear(x, $"{name}.input");
        int d = x.Shape.Columns;
        Tensor heard = Convolve(tape.Multiply(tape.Columns(all, 0, d), tape.Columns(all, 2 * d, d)), $"{name}.convolution");
        return tape.Multiply(tape.Columns(all, d, d), tape.Add(heard, Product(Full(1, x.Shape.Rows, 1), tape.Columns(Given($"{name}.convolution.bias"), 0, d))));
    }

    // A product a place of the kernel: rows that many places back, times a row of weights that all rows are given.
    private Tensor Convolve(Tensor x, string name)
    {
        Tensor weight = Given($"{name}.weight");
        int kernel = weight.Shape.Columns;
        return Enumerable.Range(0, kernel).Select(j =>
        {
            float[] one = new float[x.Shape.Rows * kernel];
            for (int row = 0; row < x.Shape.Rows; row++)
                one[row * kernel + j] = 1;
            Tensor earlier = Product(Of((i, k) => SameSequence(i, k) && places[i].Position - places[k].Position == kernel - 1 - j ? 1 : 0), x);
            return tape.Multiply(earlier, tape.Linear(tape.Input(new Shape(x.Shape.Rows, kernel), one), weight));
        }).Aggregate(tape.Add);
    }

    // All steps at once: with D the decay from key to query, δ = (I + β∘D∘K·Kᵀ)⁻¹·(β∘V) below the diagonal, and y = (D∘Q·Kᵀ)·δ/√d on it too.
    private Tensor Delta(GatedDeltaConfig config, string name, Tensor x)
    {
        (int d, int width, int heads, int rows) = (config.HeadWidth, config.ValueWidth, config.Heads, x.Shape.Rows);
        int keys = config.KeyHeads * d, values = heads * width, channels = config.Channels;
        Tensor all = Linear(x, $"{name}.input"), mixed = tape.Activate(Convolve(tape.Columns(all, 0, channels), $"{name}.convolution"), Activation.Silu);
        Tensor beta = tape.Activate(tape.Columns(all, channels + values, heads), Activation.Sigmoid);
        Tensor sum = tape.Add(tape.Columns(all, channels + values + heads, heads), Repeated(Given($"{name}.decay_bias")));
        Tensor decay = tape.Scale(tape.Multiply(Repeated(Map(Given($"{name}.decay_rate"), MathF.Exp, static (_, y) => y)),
            Map(sum, static x => x > 0 ? x + MathF.Log(1 + MathF.Exp(-x)) : MathF.Log(1 + MathF.Exp(x)), static (x, _) => 1 / (1 + MathF.Exp(-x)))), -1);
        Tensor until = Of((i, j) => SameSequence(i, j) && places[j].Position <= places[i].Position ? 1 : 0);
        Tensor before = Of((i, j) => SameSequence(i, j) && places[j].Position < places[i].Position ? 1 : 0), same = Of((i, j) => i == j ? 1 : 0);
        Tensor gate = tape.Activate(tape.Columns(all, channels, values), Activation.Silu);
        return Join(heads, head =>
        {
            int own = head / (heads / config.KeyHeads) * d;
            Tensor query = Unit(tape.Columns(mixed, own, d)), key = Unit(tape.Columns(mixed, keys + own, d)), value = tape.Columns(mixed, 2 * keys + head * width, width);
            Tensor total = Product(until, tape.Columns(decay, head, 1)), ones = Full(1, rows, 1);
            Tensor fading = tape.Add(Product(total, Full(1, 1, rows)), tape.Scale(tape.Linear(ones, total), -1));
            fading = tape.Multiply(Map(tape.Multiply(fading, until), MathF.Exp, static (_, y) => y), until);
            Tensor share = tape.Columns(beta, head, 1);
            Tensor met = tape.Multiply(tape.Multiply(tape.Multiply(tape.Linear(key, key), fading), before), tape.RepeatColumns(share, rows));
            Tensor delta = Product(tape.Apply(FormulaIndex.Find("matrix_inverse"), None, ("a", tape.Add(same, met))),
                tape.Multiply(value, tape.RepeatColumns(share, width)));
            Tensor heard = Product(tape.Scale(tape.Multiply(tape.Linear(query, key), fading), (float)(1 / Math.Sqrt(d))), delta);
            return tape.Multiply(Norm(heard, config.Norm, $"{name}.norm"), tape.Columns(gate, head * width, width));
        });

        Tensor Repeated(Tensor vector) => Product(Full(1, rows, 1), tape.Columns(vector, 0, vector.Shape[0]));

        Tensor Unit(Tensor rows) => tape.Scale(tape.RmsNorm(rows, null, config.LengthEpsilon / d), (float)(1 / Math.Sqrt(d)));
    }

    private Tensor Cross(AttentionConfig config, string name, Tensor x, PlainModel encoder, Tensor encoded)
    {
        int d = config.HeadWidth;
        Tensor asked = Linear(x, $"{name}.query"), both = Linear(encoded, $"{name}.key_value");
        float[] hidden = [.. places.SelectMany(query => encoder.places.Select(key => key.Sequence == query.Sequence ? 0 : float.NegativeInfinity))];
        return Linear(Join(config.Heads, head =>
        {
            int own = head / (config.Heads / config.KeyValueHeads) * d;
            Tensor scores = tape.Scale(tape.Linear(tape.Columns(asked, head * d, d), tape.Columns(both, own, d)), (float)(1 / Math.Sqrt(d)));
            return Product(Softmax(tape.Add(scores, tape.Input(scores.Shape, hidden))), tape.Columns(both, config.KeyValueHeads * d + own, d));
        }), $"{name}.output");
    }

    // x∘cos + x'∘sin, x' the pairs (a, b) as (−b, a).
    private Tensor Turn(Tensor x, RotaryConfig? rotary, Func<int, int> position)
    {
        if (rotary is null)
            return x;
        int count = x.Shape.Rows, d = x.Shape.Columns, turning = rotary.Width ?? d;
        float[] cosines = new float[count * d], sines = new float[count * d], swap = new float[d * d];
        Array.Fill(cosines, 1);
        for (int i = 0; i < turning / 2; i++)
        {
            (int a, int b) = rotary.Interleaved ? (2 * i, 2 * i + 1) : (i, i + turning / 2);
            (swap[a * d + b], swap[b * d + a]) = (-1, 1);
            for (int row = 0; row < count; row++)
            {
                (double sine, double cosine) = Math.SinCos(position(row) * Math.Pow(rotary.Theta, -2.0 * i / turning));
                cosines[row * d + a] = cosines[row * d + b] = (float)cosine;
                sines[row * d + a] = sines[row * d + b] = (float)sine;
            }
        }
        return tape.Add(tape.Multiply(x, tape.Input(x.Shape, cosines)),
            tape.Multiply(tape.Linear(x, tape.Input(new Shape(d, d), swap)), tape.Input(x.Shape, sines)));
    }

    private Tensor Join(int heads, Func<int, Tensor> head) => Enumerable.Range(1, heads - 1).Aggregate(head(0), (y, h) => tape.Concatenate(y, head(h)));

    private Tensor Hide(Tensor scores, Seen sees) => tape.Add(scores, Of((i, j) =>
        SameSequence(i, j) && (sees(places[i].Position, places[j].Position) || places[j].Position < PrefixOf(places[j].Sequence)) ? 0 : float.NegativeInfinity));

    private int PrefixOf(int sequence) => rows.Prefixes.IsEmpty ? 0 : rows.Prefixes.Span[sequence];

    private static IEnumerable<float> Sines(int position, int width) => Enumerable.Range(0, width).Select(i =>
        (float)Math.Sin(position * Math.Pow(10000, -(i - i % 2) / (double)width) + i % 2 * Math.PI / 2));

    private bool SameSequence(int query, int key) => places[query].Sequence == places[key].Sequence;

    // Σ w·v/Σ w of every row.
    private Tensor Mean(Tensor weights, Tensor value) => tape.Multiply(Product(weights, value), tape.RepeatColumns(
        Map(Product(weights, Full(1, weights.Shape.Columns, 1)), static sum => 1 / sum, static (_, y) => -y * y), value.Shape.Columns));

    private Tensor Features(Tensor x) => Map(x, static x => x < 0 ? MathF.Exp(x) : x + 1, static (x, y) => x < 0 ? y : 1);

    private Tensor Of(Func<int, int, float> value) => tape.Input(new Shape(places.Length, places.Length),
        [.. Enumerable.Range(0, places.Length).SelectMany(i => Enumerable.Range(0, places.Length).Select(j => value(i, j)))]);

    private Tensor Full(float value, int count, int columns) => tape.Input(new Shape(count, columns), [.. Enumerable.Repeat(value, count * columns)]);

    private Tensor Softmax(Tensor x) => tape.Apply(FormulaIndex.Find("softmax"), None, ("x", x));

    private Tensor Product(Tensor a, Tensor b) => tape.Apply(FormulaIndex.Find("matrix_multiply"), None, ("a", a), ("b", b));

    private Tensor Norm(Tensor x, NormConfig config, string name) => config is RmsNormConfig
        ? tape.RmsNorm(x, config.HasGain ? Given($"{name}.weight") : null, config.Epsilon)
        : tape.LayerNorm(x, Given($"{name}.weight"), Given($"{name}.bias"), config.Epsilon);

    private Tensor Linear(Tensor x, string name) => tape.Linear(x, Given($"{name}.weight"),
        tape.Parameters!.All.Any(parameter => parameter.Name == $"{name}.bias") ? Given($"{name}.bias") : null);

    private Tensor Given(string name) => tape.Parameter(tape.Parameters![name]);

    private Tensor Map(Tensor x, Func<float, float> value, Func<float, float, float> slope)
    {
        Tensor y = tape.New(x.Shape);
        for (int i = 0; i < x.Shape.Count; i++)
            tape[y][i] = value(tape[x][i]);
        tape.Record((x, y, slope), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            Span<float> dx = tape.Gradient(s.x), dy = tape.Gradient(s.y), x = tape[s.x], y = tape[s.y];
            for (int i = 0; i < dx.Length; i++)
                dx[i] += dy[i] * s.slope(x[i], y[i]);
        });
        return y;
    }
}
