using Lemma.Formulas;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>Attention to an encoder's rows: queries of the stream, keys and values of what the encoder gives.</summary>
internal sealed class CrossMixer(AttentionConfig config, Scope scope, int width, int encoderWidth)
{
    private readonly AttentionHeads heads = config.ToHeads() with { Causal = false };
    private readonly Linear query = new(scope.In("query"), config.Heads * config.HeadWidth, width, config.InputBias, scope.Inner);
    private readonly Linear keyValue = new(scope.In("key_value"), 2 * config.KeyValueHeads * config.HeadWidth, encoderWidth, config.InputBias, scope.Inner);
    private readonly Linear output = new(scope.In("output"), width, config.Heads * config.HeadWidth, config.OutputBias, scope.Joining);

    /// <summary>[rows, d] to [rows, d].</summary>
    public Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        HeadColumns queries = new(query.Apply(tape, x, pass.Random), 0);
        Tensor y;
        if (pass.Encoded is { } encoded)
        {
            (HeadColumns keys, HeadColumns values) = KeysAndValues(tape, encoded.Rows, pass.Random);
            y = tape.Attention(queries, keys, values, pass.Rows.Lengths, encoded.Lengths, heads);
        }
        else
            y = tape.CrossAttention(queries, pass.Rows, heads, pass.Layers + pass.Layer);
        return output.Apply(tape, y, pass.Random);
    }

    /// <summary>What a sequence keeps of its encoder's rows.</summary>
    public LayerState NewState(Tape tape, Tensor encoded, int firstRow, int count, CacheFormat format)
    {
        (HeadColumns keys, HeadColumns values) = KeysAndValues(tape, encoded);
        return CrossPages.Make(tape, keys, values, firstRow, count, heads, PageOf(format));
    }

    /// <summary>How its pages lie in a format.</summary>
    public KeyValuePageShape PageOf(CacheFormat format) => format.PageOf(heads.KeyValueHeads, heads.HeadWidth, heads.ValueWidth);

    private (HeadColumns Keys, HeadColumns Values) KeysAndValues(Tape tape, Tensor encoded, Philox? random = null)
    {
        Tensor both = keyValue.Apply(tape, encoded, random);
        return (new HeadColumns(both, 0), new HeadColumns(both, config.KeyValueHeads * config.HeadWidth));
    }
}
