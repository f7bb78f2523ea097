using Lemma.Formats;
using Lemma.Models;
using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Qwen3.5 (text, dense): a gated delta rule in three of four layers, gated attention in the others.</summary>
internal sealed class Qwen35 : GatedDeltaFamily
{
    public override string Name => "qwen3_5_text";

    public override GgufMap Gguf { get; } = GatedDeltaGguf("qwen35", static fields =>
    {
        if (fields.Facts is not null)
            return;
        // Pairs that turn by time, height and width, which are the same number in a text: three equal parts, as in the published files.
        int pairs = (int)Math.Round(fields.Config.GetProperty("partial_rotary_factor").GetDouble()
            * fields.Config.GetProperty("head_dim").GetInt32()) / 2;
        int[] sections = [(pairs + 2) / 3, (pairs + 1) / 3, pairs / 3, 0];
        fields.Write("rope.dimension_sections", sections);
    }, WithHeadsTiled);

    // The heads of values lie there key by key of each round: the first head of every key, then the second of every one.
    private static IEnumerable<WeightName> WithHeadsTiled(WeightName name, GatedDeltaConfig delta)
    {
        (int keys, int each) = (delta.KeyHeads, delta.Heads / delta.KeyHeads);
        Func<int, int> Tiled(int width, int first = 0) => place => place < first ? place
            : first + ((place - first) / width % keys * each + (place - first) / width / keys) * width + (place - first) % width;
        string part = name.Name[(name.Name.LastIndexOf(".linear_attn.", StringComparison.Ordinal) + ".linear_attn.".Length)..];
        return [part switch
        {
            "in_proj_qkv.weight" or "conv1d.weight" => name with { RowOf = Tiled(delta.ValueWidth, 2 * keys * delta.HeadWidth) },
            "in_proj_z.weight" => name with { RowOf = Tiled(delta.ValueWidth) },
            "in_proj_b.weight" or "in_proj_a.weight" or "dt_bias" or "A_log" => name with { RowOf = Tiled(1) },
            "out_proj.weight" => name with { ColumnOf = Tiled(delta.ValueWidth), ColumnsTogether = delta.ValueWidth },
            _ => name,
        }];
    }

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
