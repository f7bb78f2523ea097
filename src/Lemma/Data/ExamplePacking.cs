namespace Lemma.Data;

/// <summary>Which examples each pass reads: as many as fit a number of rows, packed best fit, each once an epoch.</summary>
/// <remarks>
/// Examples are taken longest first, those of equal length in a new order each epoch, into the pass that they fill best (best fit decreasing); then the
/// passes are put in a new order. A pass is a pure function of its number and the seed. Sequences of a pass do not see each other, so packing
/// changes no example's loss.
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
        List<(List<int> Examples, int Room)> packs = [];
        // Packs with room by room and age: the fullest in which an example fits is the first that is not below it.
        SortedSet<(int Room, int Pack)> open = [];
        foreach (int example in examples)
        {
            (int Room, int Pack) best = rows[example] > rowsOfPass ? default : open.GetViewBetween((rows[example], 0), (rowsOfPass, int.MaxValue)).Min;
            bool fits = best.Room > 0 && best.Room >= rows[example];
            int pack = fits ? best.Pack : packs.Count;
            if (fits)
                open.Remove(best);
            else
                packs.Add(([], rowsOfPass));
            int room = packs[pack].Room - rows[example];
            packs[pack].Examples.Add(example);
            packs[pack] = (packs[pack].Examples, room);
            if (room > 0)
                open.Add((room, pack));
        }
        return [.. packs.Select(pack => pack.Examples.ToArray())];
    }
}
