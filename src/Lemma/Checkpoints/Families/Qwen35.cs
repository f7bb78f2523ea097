using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Qwen3.5 (text, dense): a gated delta rule in three of four layers, gated attention in the others.</summary>
internal sealed class Qwen35 : GatedDeltaFamily
{
    public override string Name => "qwen3_5_text";

    protected override string ArchitectureOf(ModelConfig config) => "Qwen3_5ForCausalLM";

    protected override BlockConfig ReadBlock(JsonSettings settings, in Sizes sizes, int layer) => ReadMixer(settings, sizes, layer);

    protected override IEnumerable<WeightName> ProjectionNames(GatedDeltaConfig delta, string theirs, string ours)
    {
        int values = delta.Heads * delta.ValueWidth, first = 0;
        foreach ((string name, int rows) in ((string, int)[])[("in_proj_qkv", delta.Channels), ("in_proj_z", values), ("in_proj_b", delta.Heads),
            ("in_proj_a", delta.Heads)])
        {
            yield return new($"{theirs}.{name}.weight", ours, first, rows);
            first += rows;
        }
    }
}
