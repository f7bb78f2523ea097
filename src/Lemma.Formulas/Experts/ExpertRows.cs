namespace Lemma.Formulas;

/// <summary>The rows that experts take: those of an expert lie together, in the order of tokens.</summary>
/// <remarks>A pick is an expert that a token chose, [tokens, k]; a place is where its row lies among those of all experts.</remarks>
internal static class ExpertRows
{
    /// <summary>Sorts picks by expert.</summary>
    /// <param name="picked">The expert of each pick, [tokens·k].</param>
    /// <param name="starts">[E + 1]: an expert's first place, and the end of the last.</param>
    /// <param name="order">The pick of each place.</param>
    /// <param name="places">The place of each pick.</param>
    public static void Arrange(ReadOnlySpan<int> picked, Span<int> starts, Span<int> order, Span<int> places)
    {
        starts.Clear();
        foreach (int expert in picked)
            starts[expert + 1]++;
        for (int e = 1; e < starts.Length; e++)
            starts[e] += starts[e - 1];
        // Each start runs to its expert's end, which is where the next begins.
        for (int pick = 0; pick < picked.Length; pick++)
        {
            int place = starts[picked[pick]]++;
            (order[place], places[pick]) = (pick, place);
        }
        for (int e = starts.Length - 1; e > 0; e--)
            starts[e] = starts[e - 1];
        starts[0] = 0;
    }

    /// <summary>Rows of tokens to some places.</summary>
    public static void Gather(ReadOnlySpan<float> x, int width, int topK, ReadOnlySpan<int> order, Span<float> rows)
    {
        for (int place = 0; place < order.Length; place++)
            x.Slice(order[place] / topK * width, width).CopyTo(rows.Slice(place * width, width));
    }

    /// <summary>y += Σ g·F over the picks of some tokens, in the order in which a token picked; a gate of 0 keeps out what is not finite.</summary>
    /// <param name="rows">F, what the experts gave, [places, width].</param>
    /// <param name="width">Columns.</param>
    /// <param name="places">The places of the picks of these tokens.</param>
    /// <param name="picked">The experts of these picks.</param>
    /// <param name="gates">g, [tokens, E]; empty for 1.</param>
    /// <param name="y">[tokens, width].</param>
    public static void Combine(ReadOnlySpan<float> rows, int width, ReadOnlySpan<int> places, ReadOnlySpan<int> picked, ReadOnlySpan<float> gates,
        Span<float> y)
    {
        int tokens = y.Length / width, topK = places.Length / Math.Max(1, tokens), experts = gates.Length / Math.Max(1, tokens);
        for (int pick = 0; pick < places.Length; pick++)
        {
            int token = pick / topK;
            float gate = gates.IsEmpty ? 1 : gates[token * experts + picked[pick]];
            if (gate != 0)
                Lanes.AddScaled(rows.Slice(places[pick] * width, width), gate, y.Slice(token * width, width));
        }
    }

    /// <summary>dF = g·dy to the places of some tokens' picks, and dg = ⟨dy, F⟩; both 0 for a gate of 0.</summary>
    /// <param name="dy">[tokens, width].</param>
    /// <param name="rows">F, [places, width].</param>
    /// <param name="width">Columns.</param>
    /// <param name="places">The places of the picks of these tokens.</param>
    /// <param name="picked">The experts of these picks.</param>
    /// <param name="gates">g, [tokens, E].</param>
    /// <param name="drows">dF, [places, width].</param>
    /// <param name="dgates">[tokens, E], written where picked.</param>
    public static void CombineBackward(ReadOnlySpan<float> dy, ReadOnlySpan<float> rows, int width, ReadOnlySpan<int> places, ReadOnlySpan<int> picked,
        ReadOnlySpan<float> gates, Span<float> drows, Span<float> dgates)
    {
        int tokens = dy.Length / width, topK = places.Length / Math.Max(1, tokens), experts = gates.Length / Math.Max(1, tokens);
        for (int pick = 0; pick < places.Length; pick++)
        {
            int at = pick / topK * experts + picked[pick], place = places[pick] * width;
            ReadOnlySpan<float> up = dy.Slice(pick / topK * width, width);
            if (gates[at] == 0)
            {
                drows.Slice(place, width).Clear();
                dgates[at] = 0;
                continue;
            }
            dgates[at] = Lanes.Dot(up, rows.Slice(place, width));
            System.Numerics.Tensors.TensorPrimitives.Multiply(up, gates[at], drows.Slice(place, width));
        }
    }
}
