namespace Lemma.Formulas;

/// <summary>⟨a, b⟩/(‖a‖·‖b‖), 0 where a row is zero, with both lengths.</summary>
internal readonly record struct Cosine(double Value, double First, double Second)
{
    /// <summary>That of b and a.</summary>
    public Cosine Swapped => new(Value, Second, First);

    /// <summary>That of two rows of as many numbers.</summary>
    public static Cosine Of(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        (double product, double first, double second) = (0, 0, 0);
        for (int i = 0; i < a.Length; i++)
        {
            (double x, double y) = (a[i], b[i]);
            (product, first, second) = (product + x * y, first + x * x, second + y * y);
        }
        (first, second) = (Math.Sqrt(first), Math.Sqrt(second));
        return new Cosine(first == 0 || second == 0 ? 0 : product / (first * second), first, second);
    }
}
