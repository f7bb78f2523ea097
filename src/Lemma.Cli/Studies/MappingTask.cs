using Lemma.Formulas;

namespace Lemma.Cli.Studies;

/// <summary>
/// Who lives where, anew in each sequence: each name has a place drawn from all places. A sequence is pairs of a name and its place; the place can be known
/// only where the name came before.
/// </summary>
/// <param name="Names">Names there are: ids 0 to Names − 1.</param>
/// <param name="Places">Places there are, the ids behind.</param>
/// <param name="Pairs">Pairs of a sequence.</param>
internal sealed record MappingTask(int Names, int Places, int Pairs)
{
    /// <summary>V.</summary>
    public int VocabularySize => Names + Places;

    /// <summary>Sequences of pairs, any name in each; the targets are the places alone.</summary>
    public (int[] Ids, int[] Targets) Draw(Philox random, int count)
    {
        int[] ids = new int[count * 2 * Pairs], targets = new int[ids.Length];
        Array.Fill(targets, CrossEntropy.Ignore);
        for (int sequence = 0; sequence < count; sequence++)
        {
            Philox own = random.Split((ulong)sequence);
            (int[] names, int[] places) = Residence(own);
            for (int pair = 0; pair < Pairs; pair++)
            {
                int who = own.Split(2).Below(Names, (ulong)pair), at = 2 * (sequence * Pairs + pair);
                (ids[at], ids[at + 1], targets[at]) = (names[who], places[who], places[who]);
            }
        }
        return (ids, targets);
    }

    /// <summary>Prompts of so many examples of different names and a name behind, which may be among them; the answer is its place.</summary>
    /// <returns>[count, 2·examples + 1] ids, the answers, and whether each was among the examples.</returns>
    public (int[] Ids, int[] Answers, bool[] IsShown) Ask(Philox random, int count, int examples)
    {
        int length = 2 * examples + 1;
        int[] ids = new int[count * length], answers = new int[count];
        bool[] isShown = new bool[count];
        for (int prompt = 0; prompt < count; prompt++)
        {
            Philox own = random.Split((ulong)prompt);
            (int[] names, int[] places) = Residence(own);
            Span<int> line = ids.AsSpan(prompt * length, length);
            // Names are in random order already.
            for (int i = 0; i < examples; i++)
                (line[2 * i], line[2 * i + 1]) = (names[i], places[i]);
            int asked = own.Split(2).Below(Names, 0);
            (line[^1], answers[prompt], isShown[prompt]) = (names[asked], places[asked], asked < examples);
        }
        return (ids, answers, isShown);
    }

    /// <summary>The share of right answers, and the loss, of who knows what was shown and guesses else.</summary>
    public (double Right, double Loss) Knowable(double shown) => (shown + (1 - shown) / Places, (1 - shown) * Math.Log(Places));

    /// <summary>The probability that the name of a pair, counted from 0, came before.</summary>
    public double ShownBefore(int pair) => 1 - Math.Pow(1 - 1.0 / Names, pair);

    // The names in random order, each with a place.
    private (int[] Names, int[] Places) Residence(Philox random)
    {
        int[] names = [.. Enumerable.Range(0, Names)], places = new int[Names];
        for (int i = 0; i < Names; i++)
        {
            int other = i + random.Split(0).Below(Names - i, (ulong)i);
            (names[i], names[other]) = (names[other], names[i]);
            places[i] = Names + random.Split(1).Below(Places, (ulong)i);
        }
        return (names, places);
    }
}
