namespace Lemma.Data;

/// <summary>Examples by number: each a pure function of its number, so that training and validation are two ranges of numbers that do not meet.</summary>
public sealed class ExampleSource<T> where T : DataExample
{
    private readonly Func<long, T> at;

    /// <summary>A source of a function.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="at">The example of a number; any thread may ask for any.</param>
    public ExampleSource(string name, Func<long, T> at) => (Name, this.at) = (name, at);

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>The example of a number; at least 0.</summary>
    public T At(long number)
    {
        Require.That(number >= 0, $"{Name}: the number of an example must not be negative, but it is {number}");
        return at(number);
    }

    /// <summary>The examples of the numbers first, first + 1, ..., first + count − 1.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="count">How many.</param>
    /// <param name="report">Told how many were made; null for nobody.</param>
    public IEnumerable<T> Range(long first, long count, DataReport? report = null)
    {
        Require.That(first >= 0 && count >= 0, $"{Name}: a range must begin at 0 or later and not be negative, but it is {count} from {first}");
        for (long i = 0; i < count; i++)
        {
            report?.CountRead();
            yield return At(first + i);
        }
    }
}

/// <summary>Sources made of lists and of other sources.</summary>
public static class ExampleSource
{
    private const int Block = 1 << 12;

    /// <summary>A list over and over, each time in a new order.</summary>
    public static ExampleSource<T> Of<T>(string name, IReadOnlyList<T> examples, ulong seed) where T : DataExample
    {
        Require.That(examples.Count > 0, $"{name}: there must be at least one example");
        return new(name, number =>
        {
            (long epoch, long place) = Math.DivRem(number, examples.Count);
            return examples[(int)new Permutation(examples.Count, seed, (ulong)epoch)[place]];
        });
    }

    /// <summary>Several sources by weights: of any 4,096 examples in a row from a multiple of 4,096 on each source has its share, in a random order.</summary>
    /// <remarks>Every source is read in the order of its own numbers and gives none twice; shares are rounded to whole examples, by the
    /// largest remainders.</remarks>
    public static ExampleSource<T> Mix<T>(IReadOnlyList<(ExampleSource<T> Source, double Weight)> parts, ulong seed) where T : DataExample
    {
        int[] shares = Shares([.. parts.Select(part => part.Weight)]);
        for (int i = 0; i < shares.Length; i++)
            Require.That(shares[i] > 0,
                $"mixture: each source must have a share of at least 1 in {Block}, but the weight of {parts[i].Source.Name} is {parts[i].Weight}");
        return new(string.Join(" + ", parts.Select(part => part.Source.Name)), number =>
        {
            (long block, long place) = Math.DivRem(number, Block);
            long at = new Permutation(Block, seed, (ulong)block)[place];
            int part = 0;
            while (at >= shares[part])
                at -= shares[part++];
            return parts[part].Source.At(block * shares[part] + at);
        });
    }

    private static int[] Shares(double[] weights)
    {
        double sum = weights.Sum();
        Require.That(weights.Length > 0 && weights.All(weight => weight > 0 && double.IsFinite(weight)) && double.IsFinite(sum),
            $"mixture: weights must be positive numbers, at least one, but they are {string.Join(", ", weights)}");
        double[] exact = [.. weights.Select(weight => weight / sum * Block)];
        int[] shares = [.. exact.Select(share => (int)share)];
        int left = Block - shares.Sum();
        foreach (int i in Enumerable.Range(0, weights.Length).OrderByDescending(i => exact[i] - shares[i]).Take(left))
            shares[i]++;
        return shares;
    }
}
