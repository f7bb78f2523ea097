using Lemma.Formulas;

namespace Lemma.Cli.Studies;

/// <summary>What stands between a question and its answer.</summary>
internal enum Reasoning
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>As many marks as there would be places on the way: as long, and saying nothing.</summary>
    Marks,

    /// <summary>The place after each move.</summary>
    Places,
}

/// <summary>
/// Somebody moves from place to place. Each kind of move leads from every place to one of its own, in one fixed way that is learned by heart; in which order
/// moves are made changes where they end. A question is a place, moves and a sign; its answer is the last place.
/// </summary>
internal sealed class MoveTask
{
    /// <summary>Places there are, the first ids.</summary>
    public const int Places = 8;

    /// <summary>Kinds of move, the ids behind.</summary>
    public const int Kinds = 8;

    /// <summary>Places, kinds of move, the sign behind a question and the mark that says nothing.</summary>
    public const int VocabularySize = Places + Kinds + 2, Sign = Places + Kinds, Mark = Sign + 1;

    private readonly int[][] leads;

    /// <summary>Draws where the moves of each kind lead: a permutation of the places.</summary>
    public MoveTask(Philox random)
    {
        leads = new int[Kinds][];
        for (int kind = 0; kind < Kinds; kind++)
        {
            int[] order = [.. Enumerable.Range(0, Places)];
            for (int i = 0; i < Places; i++)
            {
                int other = i + random.Split((ulong)kind).Below(Places - i, (ulong)i);
                (order[i], order[other]) = (order[other], order[i]);
            }
            leads[kind] = order;
        }
    }

    /// <summary>The place behind a place by a move's id.</summary>
    public int Behind(int place, int move) => leads[move - Places][place];

    /// <summary>The ids that are read for a question of so many moves: all but the answer.</summary>
    public static int LengthOf(int moves, Reasoning reasoning) => moves + 2 + (reasoning == Reasoning.None ? 0 : moves - 1);

    /// <summary>A question of so many moves, its sign included, and the place after each.</summary>
    public (int[] Question, int[] Way) Draw(Philox random, int moves)
    {
        int[] question = new int[moves + 2], way = new int[moves];
        question[0] = random.Below(Places, 0);
        question[^1] = Sign;
        for (int i = 0; i < moves; i++)
        {
            question[i + 1] = Places + random.Below(Kinds, (ulong)i + 1);
            way[i] = Behind(i == 0 ? question[0] : way[i - 1], question[i + 1]);
        }
        return (question, way);
    }

    /// <summary>Questions of 1 to so many moves that fill a budget of ids, and what is to be learned of each.</summary>
    public (int[] Ids, int[] Lengths, int[] Targets) Fill(Philox random, int budget, int most, Reasoning reasoning)
    {
        List<int> ids = [], lengths = [], targets = [];
        for (int number = 0; ; number++)
        {
            Philox own = random.Split((ulong)number);
            int moves = 1 + own.Split(1).Below(most, 0), length = LengthOf(moves, reasoning);
            if (ids.Count + length > budget)
                return ([.. ids], [.. lengths], [.. targets]);
            (int[] question, int[] way) = Draw(own, moves);
            lengths.Add(length);
            ids.AddRange(question);
            targets.AddRange(Enumerable.Repeat(CrossEntropy.Ignore, question.Length - 1));
            foreach (int place in reasoning == Reasoning.None ? [] : way[..^1])
            {
                ids.Add(reasoning == Reasoning.Places ? place : Mark);
                targets.Add(reasoning == Reasoning.Places ? place : CrossEntropy.Ignore);
            }
            targets.Add(way[^1]);
        }
    }
}
