using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>Which keys each head sees among those that causality and the window leave.</summary>
public abstract record AttentionPattern
{
    /// <summary>How many positions back any head sees, itself included; 0 for all, null where the window says it.</summary>
    internal virtual int? Reach => null;

    /// <summary>Whether each head runs by itself, though others share its keys and values.</summary>
    internal virtual bool TakesHeadsAlone => false;

    /// <summary>In how many forms, side by side, the queries come.</summary>
    internal virtual int Forms => 1;

    /// <summary>Checks the pattern against the heads; the error names the rule and the values.</summary>
    internal abstract void Validate(in AttentionHeads heads);
}

/// <summary>Head h sees the last w_h positions, itself included.</summary>
/// <remarks>Guo et al. 2019, Multi-scale self-attention, section 3.</remarks>
/// <param name="Windows">w, one a head; 0 for all positions.</param>
public sealed record MultiScaleWindows(ValueList<int> Windows) : AttentionPattern
{
    internal override int? Reach
    {
        get
        {
            (int narrowest, int widest) = Range;
            return narrowest == 0 ? 0 : widest;
        }
    }

    // Asked for every token: a loop, since enumerators are garbage.
    private (int Narrowest, int Widest) Range
    {
        get
        {
            (int narrowest, int widest) = (int.MaxValue, 0);
            for (int head = 0; head < Windows.Count; head++)
                (narrowest, widest) = (Math.Min(narrowest, Windows[head]), Math.Max(widest, Windows[head]));
            return (narrowest, widest);
        }
    }

    internal override bool TakesHeadsAlone => true;

    internal override void Validate(in AttentionHeads heads)
    {
        Require.That(Windows.Count == heads.Heads, $"attention: {Windows.Count} windows do not fit {heads.Heads} heads");
        Require.That(Range.Narrowest >= 0, $"attention: windows must not be negative, but they are {Windows}");
        Require.That(heads.Causal && heads.Window == 0, $"attention: a window a head needs causal heads without a window, but theirs is {heads.Window}");
    }
}

/// <summary>A query sees the blocks of positions that <see cref="BlockSparseAttention"/> allows.</summary>
/// <remarks>A causal row of blocks does not depend on the length. Child et al. 2019, section 4; Zaheer et al. 2020, section 2.</remarks>
/// <param name="Block">Positions a block.</param>
/// <param name="Local">Blocks to each side.</param>
/// <param name="Stride">Every so many blocks; 0 for none.</param>
/// <param name="Global">Blocks from the start that see and are seen by all.</param>
/// <param name="Random">Random blocks a row of blocks.</param>
/// <param name="Seed">Of the random ones.</param>
public sealed record BlockSparse(int Block, int Local = 1, int Stride = 0, int Global = 1, int Random = 0, ulong Seed = 1) : AttentionPattern
{
    internal override void Validate(in AttentionHeads heads) => Require.That(Block > 0 && Local >= 0 && Stride >= 0 && Global >= 0 && Random >= 0,
        $"attention: a block must have positions and no number be negative, but block {Block}, local {Local}, stride {Stride}, global {Global}, "
        + $"random {Random}");

    /// <summary>What the scores of queries become before so many keys.</summary>
    internal BlockScores Scores(bool causal, int keys, in ScoreTerms terms) =>
        new(new BlockSparseAttention.Pattern(Block, Local, Stride, Global, Random, Seed, causal), (int)(((long)keys + Block - 1) / Block), terms);
}

/// <summary>Rotary distances stay within the trained length: a query meets its own chunk, the one before and earlier ones in a form of itself each.</summary>
/// <remarks>
/// Queries are those of <see cref="Ops.DualChunkQueries"/>, [rows, 3·H·d_h], keys those of <see cref="Ops.DualChunkKeysInPlace"/>. An et al. 2024,
/// Training-free long-context scaling, section 3.
/// </remarks>
/// <param name="Chunk">Positions of a chunk.</param>
/// <param name="TrainedLength">Positions that rotary angles were trained for, above the chunk.</param>
public sealed record DualChunk(int Chunk, int TrainedLength) : AttentionPattern
{
    internal override int Forms => 3;

    internal override bool TakesHeadsAlone => true;

    internal override void Validate(in AttentionHeads heads)
    {
        Require.That(Chunk > 0 && Chunk < TrainedLength, $"attention: the chunk {Chunk} must lie in [1, {TrainedLength - 1}]");
        Require.That(heads.Causal && heads.Window == 0, $"attention: chunks need causal heads without a window, but theirs is {heads.Window}");
    }

    /// <summary>Cuts queries from a position on at the bounds of chunks: the next range, and where its chunk begins.</summary>
    internal (int Count, int ChunkStart) Next(int position, int end)
    {
        int start = position / Chunk * Chunk;
        return ((int)Math.Min(end, (long)start + Chunk) - position, start);
    }
}
