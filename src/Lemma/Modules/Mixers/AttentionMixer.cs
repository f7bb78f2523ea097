using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>Multi-head, grouped-query and multi-query attention; queries, keys and values are one product.</summary>
internal sealed class AttentionMixer : Mixer
{
    private readonly AttentionConfig config;
    private readonly AttentionHeads heads;
    private readonly Linear input, output;
    private readonly Norm? queryNorm, keyNorm, valueNorm;
    private readonly Parameter? sinks, spans;
    private readonly RopeTable? rope;

    public AttentionMixer(AttentionConfig config, Scope scope, int width)
    {
        this.config = config;
        heads = config.ToHeads();
        int keys = config.KeyValueHeads * config.HeadWidth, queries = config.Heads * config.HeadWidth;
        input = new Linear(scope.In("qkv"), heads.RowWidth + (config.OutputGate ? queries : 0), width, config.InputBias, scope.Inner);
        input.Weight.Stack = config.OutputGate ? [queries, keys, keys, queries] : [queries, keys, keys];
        if (config.QueryKeyNorm is { } norm)
        {
            queryNorm = new Norm(norm, scope.In("query_norm"), config.NormsWholeRows ? config.Heads * config.HeadWidth : config.HeadWidth);
            keyNorm = new Norm(norm, scope.In("key_norm"), config.NormsWholeRows ? config.KeyValueHeads * config.HeadWidth : config.HeadWidth);
        }
        valueNorm = Norm.Of(config.ValueNorm, scope.In("value_norm"), config.HeadWidth);
        if (config.Sinks)
            sinks = scope.Vector("sinks", config.Heads, FirstValue.Zero);
        if (config.Span is { } span)
        {
            spans = scope.Vector("spans", config.Heads, new FirstValue(span.First, 0));
            spans.Bounds = (0, scope.MaximumLength);
        }
        output = new Linear(scope.In("output"), width, config.Heads * config.HeadWidth, config.OutputBias, scope.Joining);
        rope = config.Rotary is { } rotary ? scope.Rope(rotary, config.HeadWidth) : null;
    }

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        int d = config.HeadWidth, queries = config.Heads * d, keys = config.KeyValueHeads * d;
        Tensor heard = input.Apply(tape, x, pass.Random);
        if (queryNorm is not null && config.NormsWholeRows)
        {
            queryNorm.ApplyToHeads(tape, heard, 0, 1, queries);
            keyNorm!.ApplyToHeads(tape, heard, queries, 1, keys);
        }
        else if (queryNorm is not null)
        {
            queryNorm.ApplyToHeads(tape, heard, 0, config.Heads, d);
            keyNorm!.ApplyToHeads(tape, heard, queries, config.KeyValueHeads, d);
        }
        valueNorm?.ApplyToHeads(tape, heard, queries + keys, config.KeyValueHeads, d);
        HeadColumns asked = new(heard, 0);
        if (config.Pattern is DualChunk chunks)
        {
            asked = new(tape.DualChunkQueries(tape.Columns(heard, 0, queries), config.Heads, pass.Positions, rope!, chunks), 0);
            tape.DualChunkKeysInPlace(heard, queries, config.KeyValueHeads, d, pass.Positions, rope!, chunks);
        }
        else if (rope is not null)
            tape.RopeInPlace(heard, 0, config.Heads + config.KeyValueHeads, d, pass.Positions, rope, pass.Lengths);
        AttentionTerms terms = new(config.ScoreCap, BiasOf(tape, pass), pass.Longest - 1, sinks is null ? null : tape.Parameter(sinks));
        Tensor given = Attend(tape, asked, new HeadColumns(heard, queries), new HeadColumns(heard, queries + keys), pass, heads, terms);
        if (config.OutputGate)
            given = tape.Multiply(given, tape.Sigmoid(tape.Columns(heard, heads.RowWidth, queries)));
        return output.Apply(tape, given, pass.Random);
    }

    // What all blocks share and what the spans of these heads hide, for every distance.
    private Tensor? BiasOf(Tape tape, in Pass pass)
    {
        if (spans is null)
            return pass.Bias;
        Tensor own = tape.SpanBias(tape.Parameter(spans), config.Span!.Ramp, 1 - pass.Longest, pass.Longest - 1);
        return pass.Bias is { } shared ? tape.Add(shared, own) : own;
    }

    public override LayerState NewState(CacheFormat format) =>
        new KeyValuePages(format.PageOf(config.KeyValueHeads, config.HeadWidth, config.HeadWidth), heads.Reach);
}
