using Lemma.Formulas;

namespace Lemma.Data;

/// <summary>Small tasks on sequences of letters, parted by spaces: each a pure function of a number and a seed.</summary>
public static class SequenceTasks
{
    /// <summary>A sequence, and the same from its end.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="least">The fewest letters; at least 1.</param>
    /// <param name="most">The most letters.</param>
    public static ExampleSource<SequencePair> Reverse(ulong seed = 0, int least = 3, int most = 8) => Make("reverse", seed, least, most, Array.Reverse);

    /// <summary>A sequence, and its letters in the order of the alphabet.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="least">The fewest letters; at least 1.</param>
    /// <param name="most">The most letters.</param>
    public static ExampleSource<SequencePair> Sort(ulong seed = 0, int least = 3, int most = 8) => Make("sort", seed, least, most, Array.Sort);

    private static ExampleSource<SequencePair> Make(string name, ulong seed, int least, int most, Action<char[]> change)
    {
        Require.That(least >= 1 && most >= least,
            $"{name}: a sequence must have at least 1 letter, and the most not less than the least, but it has {least} to {most}");
        return new(name, number =>
        {
            Philox random = new(seed, (ulong)number);
            char[] letters = new char[least + random.Below(most - least + 1, 0)];
            for (int i = 0; i < letters.Length; i++)
                letters[i] = (char)('a' + random.Below(26, (ulong)i + 1));
            string input = string.Join(' ', letters);
            change(letters);
            return new SequencePair($"{name} {number}", input, string.Join(' ', letters));
        });
    }
}
