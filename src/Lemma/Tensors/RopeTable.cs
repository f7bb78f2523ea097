using Lemma.Formulas;

namespace Lemma.Tensors;

/// <summary>Which angles turn the pairs of a head.</summary>
/// <param name="Positions">How many positions there may be.</param>
/// <param name="HeadWidth">The width of a head.</param>
/// <param name="Theta">θ.</param>
/// <param name="Interleaved">Pairs (x₂ᵢ, x₂ᵢ₊₁), else (xᵢ, xᵢ₊r/2).</param>
public sealed record RopeOptions(int Positions, int HeadWidth, double Theta, bool Interleaved = false)
{
    /// <summary>How many columns of a head turn, r; the others stay. The width of a head unless it is set.</summary>
    public int Width { get; init; } = HeadWidth;

    /// <summary>How the frequencies are changed for longer sequences.</summary>
    public RopeScaling Scaling { get; init; } = RopeScaling.None;
}

/// <summary>The cosines and sines of positions up to a length, computed some positions at a time when the first of them is asked for.</summary>
/// <remarks>
/// Any number of threads may ask. What a model says of its longest sequence costs no memory before it is reached. Dynamic and longrope
/// scaling choose frequencies by the length of the row's own sequence at the end of the pass (transformers takes the longest of the batch):
/// <see cref="For"/>. Keys that a cache holds keep the turn that they got.
/// </remarks>
public sealed class RopeTable
{
    // Angles that depend on the length are made for one length at a time, so that a decoded token makes few.
    private const int LongPage = 1024, ShortPage = 64, TablesKept = 4;
    private readonly RopeOptions options;
    private readonly double[] frequencies = [];
    private readonly int pageLength;
    private readonly Page?[] pages = [];
    private readonly (int Length, RopeTable? Table)[] byLength = [];
    private readonly Lock gate = new();
    private int next;

    /// <summary>A table of the angles m·θ^(−2i/d).</summary>
    public RopeTable(int positions, int headWidth, double theta, bool interleaved) : this(new RopeOptions(positions, headWidth, theta, interleaved)) { }

    /// <summary>A table of the angles that options describe.</summary>
    public RopeTable(RopeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Require.That(options.Positions > 0 && options.Width > 0 && options.Width % 2 == 0,
            $"rope: positions and an even width are needed, but they are {options.Positions} and {options.Width}");
        Require.That(options.Width <= options.HeadWidth, $"rope: {options.Width} columns cannot turn in a head of {options.HeadWidth}");
        this.options = options;
        if (options.Scaling.DependsOnLength)
            byLength = new (int, RopeTable?)[TablesKept];
        else
            (frequencies, pageLength, pages) = (options.Scaling.Frequencies(options.Width, options.Theta, 0), LongPage, NewPages(LongPage));
    }

    private RopeTable(RopeOptions options, int length)
    {
        this.options = options;
        (frequencies, pageLength, pages) = (options.Scaling.Frequencies(options.Width, options.Theta, length), ShortPage, NewPages(ShortPage));
    }

    /// <summary>The width of a head.</summary>
    public int HeadWidth => options.HeadWidth;

    /// <summary>How many columns of a head turn.</summary>
    public int Width => options.Width;

    /// <summary>The layout of the pairs.</summary>
    public bool Interleaved => options.Interleaved;

    /// <summary>How many positions there are.</summary>
    public int Positions => options.Positions;

    /// <summary>Whether the angles depend on the length of a sequence; ask <see cref="For"/> then.</summary>
    public bool DependsOnLength => byLength.Length > 0;

    /// <summary>The table of a sequence's length: this one where the angles do not depend on it.</summary>
    public RopeTable For(int length)
    {
        if (!DependsOnLength)
            return this;
        int representative = options.Scaling.Representative(length);
        lock (gate)
        {
            foreach ((int made, RopeTable? table) in byLength)
            {
                if (table is not null && made == representative)
                    return table;
            }
            RopeTable fresh = new(options, representative);
            byLength[next++ % TablesKept] = (representative, fresh);
            return fresh;
        }
    }

    /// <summary>The cosines of one position.</summary>
    public ReadOnlySpan<float> Cosines(int position) => PageOf(position).Cosines.AsSpan(position % pageLength * (Width / 2), Width / 2);

    /// <summary>The sines of one position.</summary>
    public ReadOnlySpan<float> Sines(int position) => PageOf(position).Sines.AsSpan(position % pageLength * (Width / 2), Width / 2);

    /// <summary>Elements that are held.</summary>
    internal long Held => pages.Sum(page => page is null ? 0L : 2 * page.Cosines.Length);

    private Page?[] NewPages(int length) => new Page?[(int)(((long)Positions + length - 1) / length)];

    private Page PageOf(int position)
    {
        Require.That(!DependsOnLength, $"rope: these angles depend on the length of the sequence, so a length must be given");
        Require.That((uint)position < (uint)Positions, $"rope: position {position} is beyond the longest sequence, {Positions}");
        return Volatile.Read(ref pages[position / pageLength]) ?? MakePage(position / pageLength);
    }

    private Page MakePage(int index)
    {
        lock (gate)
        {
            if (pages[index] is { } made)
                return made;
            int first = index * pageLength, count = Math.Min(pageLength, Positions - first);
            Page page = new(new float[count * Width / 2], new float[count * Width / 2]);
            Rope.Angles(first, count, frequencies, options.Scaling.Magnitude, page.Cosines, page.Sines);
            Volatile.Write(ref pages[index], page);
            return page;
        }
    }

    private sealed record Page(float[] Cosines, float[] Sines);
}
