namespace Lemma.Training;

/// <summary>A learning rate that rises linearly, then falls along half a cosine.</summary>
/// <remarks>η(t) = ηmax·t/w for t ≤ w; after that ηmin + ½(ηmax − ηmin)(1 + cos(π(t − w)/(n − w))). Loshchilov and Hutter 2016.</remarks>
public static class CosineSchedule
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">t, from 1 to <paramref name="steps"/>.</param>
    /// <param name="steps">n, all steps.</param>
    /// <param name="warmup">w, the steps of the rise.</param>
    /// <param name="highest">ηmax.</param>
    /// <param name="lowest">ηmin.</param>
    public static double At(long step, long steps, long warmup, double highest, double lowest)
    {
        if (step <= warmup)
            return highest * step / warmup;
        if (step >= steps)
            return lowest;
        return lowest + (highest - lowest) * (1 + Math.Cos(Math.PI * (step - warmup) / (steps - warmup))) / 2;
    }
}
