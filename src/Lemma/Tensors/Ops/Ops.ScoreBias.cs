using Lemma.Formulas;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>b(n) = T[bucket(n)] of every head for the distances n = key − query of a range: a line for <see cref="AttentionTerms.Bias"/>.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="table">[buckets, H].</param>
    /// <param name="bidirectional">Whether later keys have buckets of their own.</param>
    /// <param name="maximumDistance">The distance from which on all share the last bucket.</param>
    /// <param name="least">The first distance.</param>
    /// <param name="most">The last one.</param>
    /// <returns>[H, most − least + 1].</returns>
    internal static Tensor RelativeBias(this Tape tape, Tensor table, bool bidirectional, int maximumDistance, int least, int most)
    {
        Require.That(table.Shape.Rank == 2 && most >= least,
            $"relative_bias: a table [buckets, heads] and a range are needed, but they are {table.Shape} and {least} to {most}");
        int heads = table.Shape[1], count = checked(most - least + 1);
        Memory<int> places = tape.TakeIntegers(count);
        RelativeBuckets.Places(least, table.Shape[0], maximumDistance, bidirectional, places.Span);
        Tensor line = tape.New(new Shape(heads, count));
        for (int head = 0; head < heads; head++)
            RelativeBuckets.Line(places.Span, tape[table], heads, head, tape[line].Slice(head * count, count));
        tape.Record((table, line, places), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.line))
                return;
            int heads = s.table.Shape[1], count = s.places.Length;
            for (int head = 0; head < heads; head++)
                RelativeBuckets.AddLine(s.places.Span, tape.Gradient(s.line).Slice(head * count, count), heads, head, tape.Gradient(s.table));
        });
        return line;
    }

    /// <summary>b(n) = slope·n of every head for the distances n = key − query of a range (ALiBi); it learns nothing.</summary>
    /// <returns>[H, most − least + 1].</returns>
    internal static Tensor LinearBias(this Tape tape, int heads, int least, int most)
    {
        Require.That(heads > 0 && most >= least, $"linear_bias: heads and a range are needed, but they are {heads} and {least} to {most}");
        int count = checked(most - least + 1);
        Tensor line = tape.New(new Shape(heads, count));
        for (int head = 0; head < heads; head++)
            Formulas.LinearBias.Line(Formulas.LinearBias.Slope(head, heads), least, tape[line].Slice(head * count, count));
        return line;
    }

    /// <summary>b(n) = ln m(−n) of every head for the distances n = key − query of a range, m(x) = clip((z + R − x)/R, 0, 1): an adaptive span.</summary>
    /// <remarks>Later keys and those beyond a span are hidden by −∞. dz += Σ db/(R·m) on the ramp.</remarks>
    /// <param name="tape">The tape.</param>
    /// <param name="spans">[H]: z, at least 0.</param>
    /// <param name="ramp">R: positions over which a head fades out.</param>
    /// <param name="least">The first distance.</param>
    /// <param name="most">The last one.</param>
    /// <returns>[H, most − least + 1].</returns>
    internal static Tensor SpanBias(this Tape tape, Tensor spans, double ramp, int least, int most)
    {
        Require.That(spans.Shape.Rank == 1 && most >= least, $"span_bias: spans [heads] and a range are needed, but they are {spans.Shape} and {least} to {most}");
        Require.That(ramp > 0 && double.IsFinite(ramp), $"span_bias: the ramp must be above 0, but it is {ramp}");
        int heads = spans.Shape[0], count = checked(most - least + 1);
        Tensor line = tape.New(new Shape(heads, count));
        for (int head = 0; head < heads; head++)
            AdaptiveSpan.Line(tape[spans][head], ramp, least, tape[line].Slice(head * count, count));
        tape.Record((spans, line, ramp, least), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.line))
                return;
            int count = s.line.Shape.Columns;
            for (int head = 0; head < s.spans.Shape[0]; head++)
                tape.Gradient(s.spans)[head] += AdaptiveSpan.LineGradient(tape[s.spans][head], s.ramp, s.least, tape.Gradient(s.line).Slice(head * count, count));
        });
        return line;
    }

    /// <summary>How many positions back the widest span reaches, for <see cref="AttentionHeads.Window"/>: keys further back are then not multiplied;
    /// 0 for all.</summary>
    internal static int SpanReach(this Tape tape, Tensor spans, double ramp) => AdaptiveSpan.Reach(tape[spans], ramp);
}
