using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Studies;

/// <summary>Answers at once against answers behind the places on the way, at equal tokens of training.</summary>
internal sealed class ChainStudy : Study
{
    private const int Budget = 1536, Layers = 2, Width = 64, Heads = 4, Most = 8;

    /// <summary>Trainings of each kind, each with first weights and questions of its own.</summary>
    public int Seeds { get; init; } = 2;

    /// <summary>New questions of each number of additions and training.</summary>
    public int Asked { get; init; } = 500;

    public override string Name => "reasoning";

    public override string Question => "Does it help to write down the steps before the answer?";

    public override string Setup =>
        $"Somebody stands at one of {MoveTask.Places} places and makes 1 to {Most} moves of {MoveTask.Kinds} kinds; each kind leads from every "
        + $"place to one of its own, and the order of moves matters. Where do they end? Decoders of Llama's shape ({Layers} layers, width {Width}, "
        + $"{Heads} heads) learn to answer at once, behind marks that say nothing, or behind the place after each move, which they write "
        + $"themselves when they are asked; marks and places are as many. Each reads as many tokens in training: {Steps} steps of {Budget}, so "
        + $"that short answers get more questions. {Seeds} trainings of each kind, each with moves of its own; right answers of {Asked} new "
        + "questions of each number of moves and training, the likeliest token each time. ± are standard errors over questions; trainings differ "
        + "beyond them.";

    public override string Conclusion =>
        "Up to two moves all are right. Of three moves and more those who answer at once know less and less, down to the guess of one in "
        + "eight: two layers look up a few moves together, and eight moves in a row are too many to be looked up, and too deep to be computed "
        + "one behind the other. Written down, every move is one look-up behind the last, and all are right at every length, from the same "
        + "model and the same tokens read. Marks, which are as long and say nothing, do not help (at three moves they are behind, with fewer "
        + "questions for the same tokens): it is not the longer text that makes the difference, but what stands in it. Wei et al. 2022, "
        + "Chain-of-thought prompting elicits reasoning in large language models; Merrill and Sabharwal 2024, The expressive power of "
        + "transformers with chain of thought.";

    public override string Limits =>
        "The places were in the training's answers, as a teacher's; nothing here says that a model finds them on its own, nor that what a "
        + "language model writes is how it came to its answer. Who writes places has a target for every move where others have one, and "
        + "questions are fewer: equal are the tokens read, not the targets. The answer takes more tokens to write. With more layers or much "
        + "more training answers at once would reach a few moves further, and marks can help where the work can be done side by side; here each "
        + "step needs the one before.";

    public override IReadOnlyList<StudyChart> Charts { get; } =
    [
        new("Right answers by moves", "share of right answers", ["moves", "at once", "±", "marks", "±", "places", "±"], [1, 3, 5]) { IsShare = true },
    ];

    public override int Steps => 1200;

    public override int Trainings => 3 * Seeds;

    protected override IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run)
    {
        Reasoning[] kinds = Enum.GetValues<Reasoning>();
        StudyMean[][] right = [.. Enumerable.Range(0, Most).Select(_ => kinds.Select(_ => new StudyMean()).ToArray())];
        for (int seed = 0; seed < Seeds; seed++)
        {
            Philox random = new(run.Seed, (ulong)seed);
            MoveTask task = new(random.Split(3));
            foreach (Reasoning kind in kinds)
            {
                int longest = MoveTask.LengthOf(Most, Reasoning.Places);
                using Decoder decoder = new(Presets.Llama(MoveTask.VocabularySize, Width, Layers, Heads, hidden: 176, longest));
                decoder.Initialize(random.UInt64(0));
                run.Train(decoder, 0.004, (tape, step) =>
                {
                    (int[] ids, int[] lengths, int[] targets) = task.Fill(random.Split(1).Split((ulong)step), Budget, Most, kind);
                    return decoder.Loss(tape, new Rows(ids, lengths), targets);
                });
                using Tape reader = run.Reader(decoder);
                for (int moves = 1; moves <= Most; moves++)
                {
                    foreach (bool one in Ask(task, decoder, reader, random.Split(2).Split((ulong)moves), moves, kind))
                        right[moves - 1][(int)kind].Add(one ? 1 : 0);
                }
            }
        }
        return [[.. right.Select((row, i) => (double[])[i + 1, .. row.SelectMany(mean => mean.WithError())])]];
    }

    // What the model writes is read again, place by place; all questions have one length.
    private bool[] Ask(MoveTask task, Decoder decoder, Tape tape, Philox random, int moves, Reasoning kind)
    {
        int[][] lines = new int[Asked][];
        int[] wanted = new int[Asked], said = [];
        for (int i = 0; i < Asked; i++)
        {
            (int[] question, int[] way) = task.Draw(random.Split((ulong)i), moves);
            (lines[i], wanted[i]) = ([.. question, .. Enumerable.Repeat(MoveTask.Mark, kind == Reasoning.Marks ? moves - 1 : 0)], way[^1]);
        }
        for (int written = 0; written < (kind == Reasoning.Places ? moves : 1); written++)
        {
            lines = written == 0 ? lines : [.. lines.Select((line, i) => (int[])[.. line, said[i]])];
            int length = lines[0].Length;
            said = StudyRun.Likeliest(decoder, tape, Rows.Windows(lines.SelectMany(line => line).ToArray(), Asked),
                [.. Enumerable.Range(1, Asked).Select(i => i * length - 1)]);
        }
        return [.. said.Zip(wanted, (a, b) => a == b)];
    }
}
