using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Modules;

/// <summary>Latent attention: queries, keys and values of all heads are made from narrow latent rows.</summary>
/// <remarks>
/// While the tape records, keys and values of every head are made. When it does not, the matrices that make them are absorbed: q·(W·c) = (Wᵀ·q)·c, so
/// all heads attend to the latent rows themselves, and those are all that is kept of a token. Whole or from a state, the bits are the same; those of
/// the other form differ by rounding.
/// </remarks>
internal sealed class LatentMixer : Mixer
{
    private readonly LatentAttentionConfig config;
    private readonly AttentionHeads heads, absorbed;
    private readonly Linear? queryDown;
    private readonly Linear query, latent, keyValueUp, output;
    private readonly Norm? queryNorm;
    private readonly Norm latentNorm;
    private readonly RopeTable rope;

    public LatentMixer(LatentAttentionConfig config, Scope scope, int width)
    {
        this.config = config;
        int queries = config.Heads * config.HeadWidth;
        heads = new AttentionHeads(config.Heads, config.Heads, config.HeadWidth) { ValueWidth = config.ValueWidth, Scale = config.Scale };
        absorbed = new AttentionHeads(config.Heads, 1, config.KeyValueRank + config.RotaryWidth)
        {
            ValueWidth = config.KeyValueRank,
            Scale = config.Scale ?? (float)(1 / Math.Sqrt(config.HeadWidth)),
        };
        if (config.QueryRank is { } rank)
        {
            queryDown = new Linear(scope.In("query_down"), rank, width, config.Bias, scope.Inner);
            queryNorm = new Norm(config.Norm, scope.In("query_norm"), rank);
        }
        query = new Linear(scope.In("query"), queries, config.QueryRank ?? width, bias: false, scope.Inner);
        latent = new Linear(scope.In("latent"), config.KeyValueRank + config.RotaryWidth, width, config.Bias, scope.Inner);
        latentNorm = new Norm(config.Norm, scope.In("latent_norm"), config.KeyValueRank);
        keyValueUp = new Linear(scope.In("key_value"), config.Heads * (config.PlainWidth + config.ValueWidth), config.KeyValueRank, bias: false, scope.Inner);
        // Absorbed, this matrix is read without its layer, so an adapter of it would be lost: it takes none. Half of it is read across its rows.
        keyValueUp.Weight.TakesAdapter = keyValueUp.Weight.TakesPanels = false;
        output = new Linear(scope.In("output"), width, config.Heads * config.ValueWidth, config.Bias, scope.Joining);
        rope = scope.Rope(config.Rotary, config.RotaryWidth);
    }

    public override Tensor Apply(Tape tape, Tensor x, in Pass pass)
    {
        (int plain, int turning, int rank) = (config.PlainWidth, config.RotaryWidth, config.KeyValueRank);
        Tensor asked = query.Apply(tape, queryDown is null ? x : queryNorm!.Apply(tape, queryDown.Apply(tape, x, pass.Random)), pass.Random);
        tape.RopeInPlace(asked, plain, config.Heads, config.HeadWidth, pass.Positions, rope, pass.Lengths);
        Tensor down = latent.Apply(tape, x, pass.Random), shared = tape.Columns(down, rank, turning);
        tape.RopeInPlace(shared, 0, 1, turning, pass.Positions, rope, pass.Lengths);
        Tensor narrow = latentNorm.Apply(tape, tape.Columns(down, 0, rank));
        if (!tape.Recording)
            return output.Apply(tape, Absorbed(tape, asked, tape.Concatenate(narrow, shared), pass));
        Tensor up = keyValueUp.Apply(tape, narrow);
        Tensor keys = tape.JoinHeads(tape.HeadPart(up, config.Heads, 0, plain), plain, shared, turning, config.Heads);
        Tensor values = tape.HeadPart(up, config.Heads, plain, config.ValueWidth);
        return output.Apply(tape, Attend(tape, new HeadColumns(asked, 0), new HeadColumns(keys, 0), new HeadColumns(values, 0),
            pass, heads), pass.Random);
    }

    public override LayerState NewState(CacheFormat format) => new KeyValuePages(format.PageOf(1, absorbed.HeadWidth, absorbed.ValueWidth));

    private Tensor Absorbed(Tape tape, Tensor asked, Tensor latents, in Pass pass)
    {
        int plain = config.PlainWidth, each = plain + config.ValueWidth, rank = config.KeyValueRank, turning = config.RotaryWidth;
        Tensor weight = tape.Parameter(keyValueUp.Weight);
        Tensor towards = tape.HeadProduct(tape.HeadPart(asked, config.Heads, 0, plain), config.Heads, weight, 0, each, plain, isTransposed: false);
        Tensor queries = tape.JoinHeads(towards, rank, tape.HeadPart(asked, config.Heads, plain, turning), turning, config.Heads);
        Tensor heard = Attend(tape, new HeadColumns(queries, 0), new HeadColumns(latents, 0), new HeadColumns(latents, 0), pass, absorbed);
        return tape.HeadProduct(heard, config.Heads, weight, plain, each, config.ValueWidth, isTransposed: true);
    }
}
