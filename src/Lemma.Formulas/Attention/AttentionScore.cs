namespace Lemma.Formulas;

/// <summary>The masks and biases that a word names: causal, sliding window, prefix, padding; ALiBi.</summary>
internal readonly record struct AttentionScore(int Offset, bool Causal, int Window, int Prefix, int[]? Lengths, double[]? Slopes) : IScore
{
    /// <summary>A score from attributes: mask, window, prefix, lengths, bias.</summary>
    public static AttentionScore Read(FormulaCall call, string formula, in HeadSizes sizes)
    {
        string mask = call.Word("mask", "none"), bias = call.Word("bias", "none");
        Check.That(mask is "none" or "causal" or "sliding_window" or "prefix" or "padding", formula,
            $"the mask must be none, causal, sliding_window, prefix or padding, but it is {mask}");
        Check.That(bias is "none" or "alibi", formula, $"the bias must be none or alibi, but it is {bias}");
        int[]? lengths = null;
        if (mask == "padding")
        {
            double[] given = call.Numbers("lengths") ?? throw new ArgumentException($"{formula}: a padding mask needs lengths");
            lengths = [.. given.Select(length => (int)length)];
            Check.SameLength(formula, sizes.Batch, lengths.Length);
            foreach (int length in lengths)
                Check.That(length >= 0 && length <= sizes.Keys, formula, $"lengths must lie in [0, {sizes.Keys}], but one is {length}");
        }
        int window = mask == "sliding_window" ? call.Whole("window") : 0;
        Check.That(mask != "sliding_window" || window > 0, formula, $"the window must be above 0, but it is {window}");
        int heads = sizes.Heads;
        double[]? slopes = bias == "none" ? null : [.. Enumerable.Range(0, heads).Select(head => LinearBias.Slope(head, heads))];
        return new AttentionScore(sizes.Keys - sizes.Queries, mask is "causal" or "sliding_window" or "prefix", window,
            mask == "prefix" ? call.Whole("prefix") : 0, lengths, slopes);
    }

    /// <summary>Whether <see cref="Mask"/> says it all.</summary>
    public bool IsMask => Prefix == 0 && Slopes is null;

    /// <summary>What the kernel can leave out.</summary>
    public HeadAttention.Mask Mask => new(Causal && Prefix == 0, Prefix == 0 ? Window : 0, Lengths);

    public int Form(int i, int j) => 0;

    public bool Hides(int query, int queries, int key, int keys) => false;

    public void Accumulate(int sequence, int head, int i, int j, float gradient) { }

    public float Add(int sequence, int head, int i, int j)
    {
        int back = i + Offset - j;
        bool seen = (!Causal || back >= 0 || j < Prefix) && (Window == 0 || back < Window) && (Lengths is null || j < Lengths[sequence]);
        return !seen ? float.NegativeInfinity : Slopes is null ? 0 : (float)(-Slopes[head] * back);
    }
}
