using System.Runtime.CompilerServices;

namespace Lemma.Text.Training;

/// <summary>The pieces of a unigram vocabulary, and all places in the words where each stands.</summary>
/// <remarks>A word is a lattice: an edge for each piece that stands in it, from where it begins to where it ends. Ways from the start to the
/// end are the cuts of the word. Edges lie in the order of their places, those of one place from the shortest to the longest:
/// <code>
/// word  ▁ t h e          firstEdge  0 2 4 6 7          edges of ▁  [▁ ▁the]  of t  [t th]  of h  [h he]  of e  [e]
/// </code></remarks>
internal sealed class PieceLattice
{
    private int[] samples;

    /// <summary>All seeds of words, with their share of the text as their probability.</summary>
    public PieceLattice(WordTexts words, SeedPieces seeds)
    {
        Words = words;
        int count = seeds.Runs.Length;
        (samples, Lengths, Scores, IsRequired) = (new int[count], new int[count], new double[count], new bool[count]);
        FirstEdge = new int[words.Text.Length + 1];
        double total = 0;
        foreach (SeedPieces.Run run in seeds.Runs)
        {
            total += run.Weight;
            foreach (int place in seeds.PlacesOf(run))
                FirstEdge[place + 1]++;
        }
        for (int place = 0; place < words.Text.Length; place++)
            FirstEdge[place + 1] = checked(FirstEdge[place + 1] + FirstEdge[place]);
        Edges = new Edge[FirstEdge[^1]];
        int[] next = FirstEdge[..^1];
        for (int id = 0; id < count; id++)
        {
            SeedPieces.Run run = seeds.Runs[id];
            ReadOnlySpan<int> places = seeds.PlacesOf(run);
            (samples[id], Lengths[id], IsRequired[id]) = (places[0], run.Length, run.IsCharacter);
            Scores[id] = Math.Log(run.Weight) - Math.Log(total);
            foreach (int place in places)
                Edges[next[place]++] = new Edge(id, run.Length);
        }
    }

    /// <summary>A piece at a place, and its length.</summary>
    public readonly record struct Edge(int Id, int Length);

    /// <summary>The words.</summary>
    public WordTexts Words { get; }

    /// <summary>The number of pieces.</summary>
    public int Count => Lengths.Length;

    /// <summary>The code units of each piece.</summary>
    public int[] Lengths { get; private set; }

    /// <summary>The log probability of each piece.</summary>
    public double[] Scores { get; private set; }

    /// <summary>Whether a piece must stay: it is a character.</summary>
    public bool[] IsRequired { get; private set; }

    /// <summary>Where the edges of a place begin; those of the last end at the last number.</summary>
    public int[] FirstEdge { get; private set; }

    /// <summary>The edges of all words.</summary>
    public Edge[] Edges { get; private set; }

    /// <summary>A place where a piece stands, one of possibly many.</summary>
    public int SampleOf(int id) => samples[id];

    /// <summary>The text of a piece.</summary>
    public string TextOf(int id) => new(Words.Text, samples[id], Lengths[id]);

    /// <summary>Keeps some pieces, which get new ids in the same order, with new log probabilities; ids are those of today.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Keep(int[] kept, double[] scores)
    {
        int[] newIds = new int[Count];
        newIds.AsSpan().Fill(-1);
        for (int id = 0; id < kept.Length; id++)
            newIds[kept[id]] = id;
        samples = [.. kept.Select(id => samples[id])];
        Lengths = [.. kept.Select(id => Lengths[id])];
        IsRequired = [.. kept.Select(id => IsRequired[id])];
        Scores = scores;
        if (kept.Length == newIds.Length)
            return;
        int to = 0, from = 0;
        for (int place = 0; place < Words.Text.Length; place++)
        {
            int end = FirstEdge[place + 1];
            for (; from < end; from++)
                if (newIds[Edges[from].Id] is int id and >= 0)
                    Edges[to++] = new Edge(id, Edges[from].Length);
            FirstEdge[place + 1] = to;
        }
    }
}
