using Lemma.Formulas;
using Lemma.Tests.Oracles;

namespace Lemma.Tests.Formulas;

/// <summary>A cap, a bias and sinks of the heads of one group: the bits of every head alone.</summary>
[Trait("Kernels", "true")]
public unsafe class ScoreTermsTests
{
    private const int Width = 8, Group = 3;

    [Theory]
    [InlineData(1, 1), InlineData(5, 5), InlineData(1, 200), InlineData(40, 230)]
    public void AGroupHasTheBitsOfItsHeads(int queries, int keys)
    {
        float[] together = Run(queries, keys, isTogether: true), alone = Run(queries, keys, isTogether: false);
        Assert.Equal(alone, together);
        Assert.DoesNotContain(together, float.IsNaN);
        Assert.Contains(together, value => value != 0);
    }

    [Fact]
    public void AQueryHasTheSameBitsAloneAndAmongOthers()
    {
        // Query 39 of 40 before 230 keys stands at the last position.
        float[] all = Run(40, 230, isTogether: true), last = Run(1, 230, isTogether: true, skipped: 39);
        for (int h = 0; h < Group; h++)
            Assert.Equal(all.AsSpan((39 * Group + h) * Width, Width), last.AsSpan(h * Width, Width));
    }

    // Outputs [queries, group, width], then every gradient.
    private static float[] Run(int queries, int keys, bool isTogether, int skipped = 0)
    {
        int size = queries * Group * Width;
        float[] q = OperationCheck.Random((skipped + queries) * Group * Width, 1)[(skipped * Group * Width)..], k = OperationCheck.Random(keys * Width, 2);
        float[] v = OperationCheck.Random(keys * Width, 3), dy = OperationCheck.Random(size, 4), sinks = OperationCheck.Random(Group, 6);
        float[] line = OperationCheck.Random(Group * 400, 5), y = new float[size], logs = new float[Group * queries];
        float[] dq = new float[size], dk = new float[k.Length], dv = new float[v.Length], dline = new float[Group * 400], dsinks = new float[Group];
        fixed (float* pq = q, pk = k, pv = v, py = y, pl = logs, pdy = dy, pdq = dq, pdk = dk, pdv = dv)
        fixed (float* pline = line, pdline = dline, ps = sinks, pds = dsinks)
        {
            for (int h = 0; h < (isTogether ? 1 : Group); h++)
            {
                AttentionShape shape = new(queries, keys, Width, Width, isTogether ? Group : 1, true, 0, 0.4f, Prefix: 2);
                int at = h * Width, zero = h * 400 + 250;
                AttentionHead head = new((nint)(pq + at), Group * Width, (nint)pk, (nint)pv, Width, Width, (nint)(py + at), Group * Width,
                    (nint)(pl + h * queries), keys);
                ScoreTerms terms = new(1.5f, keys - queries, (nint)(pline + zero), 400, (nint)(pdline + zero), (nint)(ps + h), (nint)(pds + h));
                Attention.Forward(shape, head, terms);
                AttentionGradient.Backward(shape, head, new AttentionHeadGradient((nint)(pdy + at), (nint)(pdq + at), (nint)pdk, (nint)pdv), terms);
            }
        }
        return [.. y, .. dq, .. dk, .. dv, .. dline, .. dsinks];
    }
}
