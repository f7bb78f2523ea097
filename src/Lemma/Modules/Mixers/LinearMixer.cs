using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>Linear attention: a matrix a head is all that is kept of a sequence, whatever its length.</summary>
internal sealed class LinearMixer(LinearAttentionConfig config, Scope scope, int width) : Mixer
{
    private readonly Linear query = new(scope.In("query"), config.Heads * config.HeadWidth, width, config.InputBias, scope.Inner);
    private readonly Linear key = new(scope.In("key"), config.Heads * config.HeadWidth, width, config.InputBias, scope.Inner);
    private readonly Linear value = new(scope.In("value"), config.Heads * config.ValueWidth, width, config.InputBias, scope.Inner);
    private readonly Linear output = new(scope.In("output"), width, config.Heads * config.ValueWidth, config.OutputBias, scope.Joining);

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass) => output.Apply(tape,
        tape.LinearAttention(query.Apply(tape, x, pass.Random), key.Apply(tape, x, pass.Random), value.Apply(tape, x, pass.Random), pass.Rows,
            config.Heads, pass.Layer), pass.Random);

    public override LayerState NewState(CacheFormat format) => new LinearAttentionState(config.Heads, config.HeadWidth, config.ValueWidth);
}
