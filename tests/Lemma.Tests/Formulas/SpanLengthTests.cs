using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>Loops without bounds checks refuse spans that end before the others: an exception, and nothing read or written beyond.</summary>
public class SpanLengthTests
{
    private const int Rows = 5, Width = 33, All = Rows * Width;

    private static float[] Floats(int count) => [.. Enumerable.Range(0, count).Select(i => 0.01f * (i % 7 + 1))];

    private static readonly Dictionary<string, Action<int>> Calls = new()
    {
        ["rms_norm r"] = cut => RmsNorm.Backward(Floats(All), Floats(Width), Floats(Rows - cut), Floats(All), new float[All], new float[Width]),
        ["rms_norm dg"] = cut => RmsNorm.Backward(Floats(All), Floats(Width), Floats(Rows), Floats(All), new float[All], new float[Width - cut]),
        ["rms_norm outside, r"] = cut =>
            RmsNormOutside.Backward(Floats(All), Floats(Width), Floats(Rows - cut), Floats(All), new float[All], new float[Width]),
        ["rms_norm outside, dg"] = cut =>
            RmsNormOutside.Backward(Floats(All), Floats(Width), Floats(Rows), Floats(All), new float[All], new float[Width - cut]),
        ["layer_norm mean"] = cut => LayerNorm.Backward(Floats(All), Floats(Width), Floats(Rows - cut), Floats(Rows), Floats(All), new float[All],
            new float[Width], new float[Width]),
        ["layer_norm r"] = cut => LayerNorm.Backward(Floats(All), Floats(Width), Floats(Rows), Floats(Rows - cut), Floats(All), new float[All],
            new float[Width], new float[Width]),
        ["batch_norm mean"] = cut => BatchNorm.Backward(Floats(All), Floats(Width), Floats(Width - cut), new double[Width], [], 0.1f, true, Floats(All),
            new float[All], new float[Width], new float[Width]),
        ["batch_norm variance"] = cut => BatchNorm.Forward(Floats(All), Floats(Width), Floats(Width), Floats(Width), new double[Width - cut], [], 0.1f,
            new float[All]),
        ["batch_norm bias"] = cut => BatchNorm.Forward(Floats(All), Floats(Width), Floats(Width - cut), Floats(Width), new double[Width], [], 0.1f,
            new float[All]),
        ["batch_norm mask"] = cut => BatchNorm.Forward(Floats(All), Floats(Width), Floats(Width), Floats(Width), new double[Width], Floats(Rows - cut),
            0.1f, new float[All]),
        ["batch_norm dβ"] = cut => BatchNorm.Backward(Floats(All), Floats(Width), Floats(Width), new double[Width], [], 0.1f, true, Floats(All),
            new float[All], new float[Width], new float[Width - cut]),
        ["cross_entropy logs"] = cut => CrossEntropy.Backward(Floats(All), new int[Rows], Floats(Rows - cut), Floats(Rows)),
        ["cross_entropy targets"] = cut => CrossEntropy.Backward(Floats(All), new int[Rows - cut], Floats(Rows - cut), Floats(Rows)),
        ["cross_entropy losses"] = cut => CrossEntropy.Backward(Floats(All), new int[Rows], Floats(Rows), Floats(Rows - cut)),
        ["learned_positions dx"] = cut => LearnedPositions.Backward(Floats(All), Rows, Width, 0, new float[All - cut], new float[All]),
        ["dpo dchosen"] = cut => DirectPreference.Backward(Floats(All), Floats(All), Floats(All), Floats(All), 0.1, 0, 1, new float[All - cut],
            new float[All], new float[All], new float[All]),
        ["dpo dreferenceRejected"] = cut => DirectPreference.Backward(Floats(All), Floats(All), Floats(All), Floats(All), 0.1, 0, 1, new float[All],
            new float[All], new float[All], new float[All - cut]),
        ["ipo drejected"] = cut => IdentityPreference.Backward(Floats(All), Floats(All), Floats(All), Floats(All), 0.1, 1, new float[All],
            new float[All - cut], new float[All], new float[All]),
    };

    public static TheoryData<string> Names => [.. Calls.Keys];

    [Theory, MemberData(nameof(Names))]
    public void ASpanThatEndsBeforeTheOthersIsRefused(string name)
    {
        Calls[name](0);
        Assert.Throws<ArgumentException>(() => Calls[name](1));
    }
}
