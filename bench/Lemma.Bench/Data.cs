using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>Numbers to work on, the same in every run.</summary>
internal static class Data
{
    public static float[] Normal(long count)
    {
        Philox generator = new(1);
        float[] numbers = new float[count];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)generator.Normal((ulong)i);
        return numbers;
    }
}
