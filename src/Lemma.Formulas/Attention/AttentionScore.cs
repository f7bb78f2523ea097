namespace Lemma.Formulas;

/// <summary>The masks that a word names: causal, sliding window, prefix, padding; and what shapes the scores beside them.</summary>
internal readonly record struct AttentionScore(HeadAttention.Mask Mask, ScoreShape Shape) : IScore
{
    /// <summary>A score from attributes: mask, window, prefix, lengths; and those of <see cref="ScoreShape"/>.</summary>
    public static AttentionScore Read(FormulaCall call, string formula, in HeadSizes sizes)
    {
        string mask = call.Word("mask", "none");
        Check.That(mask is "none" or "causal" or "sliding_window" or "prefix" or "padding", formula,
            $"the mask must be none, causal, sliding_window, prefix or padding, but it is {mask}");
        int[] lengths = [];
        if (mask == "padding")
        {
            double[] given = call.Numbers("lengths") ?? throw new ArgumentException($"{formula}: a padding mask needs lengths");
            lengths = [.. given.Select(length => (int)length)];
            Check.SameLength(formula, sizes.Batch, lengths.Length);
            foreach (int length in lengths)
                Check.That(length >= 0 && length <= sizes.Keys, formula, $"lengths must lie in [0, {sizes.Keys}], but one is {length}");
        }
        int window = mask == "sliding_window" ? call.Whole("window") : 0, prefix = mask == "prefix" ? call.Whole("prefix") : 0;
        Check.That(mask != "sliding_window" || window > 0, formula, $"the window must be above 0, but it is {window}");
        return new AttentionScore(new HeadAttention.Mask(mask is "causal" or "sliding_window" or "prefix", window, lengths, Prefix: prefix),
            ScoreShape.Read(call, formula, sizes));
    }

    public double Cap => Shape.Cap;

    public int Form(int i, int j) => 0;

    public float Add(int sequence, int head, int i, int j)
    {
        int back = i + Shape.Keys - Shape.Queries - j;
        bool seen = (!Mask.Causal || back >= 0 || j < Mask.Prefix) && (Mask.Window == 0 || back < Mask.Window)
            && (Mask.Lengths.IsEmpty || j < Mask.Lengths.Span[sequence]);
        return seen ? Shape.BiasOf(head, -back) : float.NegativeInfinity;
    }

    public void Accumulate(int sequence, int head, int i, int j, float gradient) =>
        Shape.AddGradient(head, j - i - Shape.Keys + Shape.Queries, gradient);

    public double Sink(int head) => Shape.Sinks.Length == 0 ? double.NegativeInfinity : Shape.Sinks[head];

    public void AccumulateSink(int head, double gradient)
    {
        if (Shape.Sinks.Length > 0)
            Shape.SinkGradients[head] += (float)gradient;
    }
}
