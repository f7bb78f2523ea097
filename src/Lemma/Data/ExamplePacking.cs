namespace Lemma.Data;

/// <summary>Which examples each pass reads: as many as fit a number of rows, each once an epoch.</summary>
/// <remarks>
/// Examples are taken longest first, those of equal length in a new order each epoch, into the emptiest pass (worst fit decreasing), of the fewest passes
/// in which all find room. So every pass is as full as the others and has short and long examples, where best fit would put like lengths, which are often
/// like examples, into one. Then the passes are put in a new order. A pass is a pure function of its number and the seed. Sequences of a pass do not see
/// each other, so packing changes no example's loss.
/// </remarks>
public sealed class ExamplePacking
{
    private readonly int[] rows;
    private readonly int rowsOfPass;
    private readonly ulong seed;
    private readonly Lock gate = new();
    private int[][] passes = [];
    private long packedEpoch = -1;

    /// <summary>Packs examples of some rows each.</summary>
    /// <param name="rows">The rows of each example.</param>
    /// <param name="rowsOfPass">The rows of a pass; an example that has more is a pass of its own.</param>
    /// <param name="seed">The seed of the orders.</param>
    public ExamplePacking(IEnumerable<int> rows, int rowsOfPass, ulong seed)
    {
        (this.rows, this.rowsOfPass, this.seed) = ([.. rows], rowsOfPass, seed);
        Require.That(this.rows.Length > 0, $"packing: there must be at least one example");
        Require.That(rowsOfPass > 0, $"packing: a pass must have at least one row, but it has {rowsOfPass}");
        PassesPerEpoch = Pack(0).Length;
    }

    /// <summary>How many passes read every example once: the same in each epoch, since it depends on the lengths alone.</summary>
    public int PassesPerEpoch { get; }

    /// <summary>The share of the rows of an epoch's passes that are filled.</summary>
    public double Filled => rows.Sum(count => (long)count) / ((double)PassesPerEpoch * rowsOfPass);

    /// <summary>The examples of a pass, in the order in which they are read.</summary>
    public IReadOnlyList<int> At(long number)
    {
        Require.That(number >= 0, $"packing: the number of a pass must not be negative, but it is {number}");
        (long epoch, long place) = Math.DivRem(number, PassesPerEpoch);
        lock (gate)
        {
            if (packedEpoch != epoch)
                (passes, packedEpoch) = (Pack(epoch), epoch);
            return passes[new Permutation(PassesPerEpoch, seed, 2 * (ulong)epoch + 1)[place]];
        }
    }

    private int[][] Pack(long epoch)
    {
        Permutation order = new(rows.Length, seed, 2 * (ulong)epoch);
        int[] examples = [.. Enumerable.Range(0, rows.Length).Select(place => (int)order[place]).OrderByDescending(example => rows[example])];
        int alone = examples.TakeWhile(example => rows[example] >= rowsOfPass).Count();
        ReadOnlySpan<int> shared = examples.AsSpan(alone);
        int count = (int)((examples.Skip(alone).Sum(example => (long)rows[example]) + rowsOfPass - 1) / rowsOfPass);
        List<int>[]? passes;
        // More by a hundredth each time, so that many long examples take few tries.
        while ((passes = Fill(shared, count)) is null)
            count += Math.Max(1, count / 100);
        return [.. examples.Take(alone).Select(example => new[] { example }), .. passes.Select(pass => pass.ToArray())];
    }

    // Each example into the emptiest of so many passes, the first of these; null where one does not fit there, and so nowhere.
    private List<int>[]? Fill(ReadOnlySpan<int> examples, int count)
    {
        List<int>[] passes = [.. Enumerable.Range(0, count).Select(_ => new List<int>())];
        PriorityQueue<int, (int Filled, int Pass)> emptiest = new(passes.Select((_, pass) => (pass, (0, pass))));
        foreach (int example in examples)
        {
            emptiest.TryPeek(out int pass, out (int Filled, int Pass) place);
            if (place.Filled + rows[example] > rowsOfPass)
                return null;
            passes[pass].Add(example);
            emptiest.DequeueEnqueue(pass, (place.Filled + rows[example], pass));
        }
        return passes;
    }
}
