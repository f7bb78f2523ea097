using Lemma.Data;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Studies;

/// <summary>How many directions the rows of encoder, decoder and prefix-LM take, by depth.</summary>
internal sealed class RankStudy : Study
{
    private const int Length = 64, Batch = 24, Layers = 4, Width = 64, Heads = 4;
    private static readonly string[] Kinds = ["encoder", "decoder", "prefix-LM"];
    private static readonly string[] Shown = [.. Kinds, .. Kinds.Select(kind => $"{kind}, untrained")];

    /// <summary>Stories to learn.</summary>
    public int Stories { get; init; } = 3000;

    /// <summary>New windows.</summary>
    public int Windows { get; init; } = 64;

    public override string Name => "rank";

    public override string Question => "How many directions do the rows of encoders, decoders and prefix-LMs take?";

    public override string Setup =>
        $"One stack ({Layers} blocks of Llama's shape, width {Width}, {Heads} heads, rotary positions) learns the same windows of {Length} "
        + $"tokens of built-in stories, {Steps} steps of {Batch}, in three ways. Encoder: every token sees all, 15 % are hidden and asked for. "
        + "Decoder: each sees those before it and is asked for the next. Prefix-LM: the first half sees itself whole, the second half is asked "
        + $"for. Then each reads {Windows} new windows as in training (the encoder with nothing hidden). The effective rank of the residual "
        + "stream's rows behind each block (0 is the embedding) is exp H(σ/Σσ), the exponential of the entropy of the singular values' shares "
        + $"(Roy and Vetterli 2007), {Width} at most: of the rows of all windows together, and of the {Length} positions of one window, the mean "
        + "over windows. Untrained: the same first weights with each mask.";

    public override string Conclusion =>
        "Before training the mask alone orders them: a decoder's rows take the most directions, an encoder's the fewest, prefix-LMs lie "
        + "between; rows that all see the same come to lie nearer to each other. That is a matter of two to three directions of 64. What is "
        + "learned matters more. The encoder loses ten and more in its first blocks and gets half of them back up to the last, where each row "
        + "has its own token again; decoder and prefix-LM keep most up to the last block and lose over ten there, where rows become predictions "
        + "of what comes next. The prefix-LM, which is asked for the next token as the decoder is, goes with the decoder, although half of its "
        + "positions see all as the encoder's do: the objective shows more than the mask. A second seed shows the same.";

    public override string Limits =>
        "A rank says how evenly directions are used, not how good rows are: nothing here ranks the three for a task, and losses of different "
        + "objectives are not compared. The rank grows with the number of rows and of different tokens (64 positions of one text cannot fill 64 "
        + "directions), so only numbers of one table compare. Whether a model of real size does so, and whether attention's own matrices have "
        + "full rank, which is said in favour of causal masks, is not shown. One training each of a model that is small for its text.";

    public override IReadOnlyList<StudyChart> Charts { get; } =
    [
        new("Rows of all windows", "effective rank", ["block", .. Shown], [.. Enumerable.Range(1, Shown.Length)]),
        new("Positions of one window", "effective rank", ["block", .. Shown], [.. Enumerable.Range(1, Shown.Length)]),
        new("Positions of one window, without their mean", "effective rank", ["block", .. Shown], [.. Enumerable.Range(1, Shown.Length)]),
    ];

    public override int Steps => 800;

    public override int Trainings => Kinds.Length;

    protected override IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run)
    {
        StudyText text = StudyText.Of(run.Seed, Stories, Windows * Length / 50);
        double[][] all = Rows(), positions = Rows(), apart = Rows();
        for (int kind = 0; kind < Kinds.Length; kind++)
        {
            using Model model = ModelOf(Kinds[kind], Layers, text.VocabularySize);
            model.Initialize(run.Seed);
            Measure(Kinds.Length + kind);
            Learn(run, model, Kinds[kind], text);
            Measure(kind);

            void Measure(int column)
            {
                for (int block = 0; block <= Layers; block++)
                {
                    float[] rows = RowsBehind(run, model, Kinds[kind], block, text);
                    all[block][1 + column] = EffectiveRank.Of(rows, Width);
                    (positions[block][1 + column], apart[block][1 + column]) = OfWindows(rows);
                }
            }
        }
        return [all, positions, apart];

        static double[][] Rows() => [.. Enumerable.Range(0, Layers + 1).Select(block => (double[])[block, .. new double[Shown.Length]])];
    }

    private static void Learn(StudyRun run, Model model, string kind, StudyText text)
    {
        TokenMasking masking = new() { MaskId = text.MaskId, VocabularySize = text.MaskId };
        run.Train(model, 0.004, (tape, step) =>
        {
            (int[] ids, int[] targets) = text.Draw(new Philox(run.Seed, (ulong)step), Batch, Length);
            if (model is Encoder encoder)
            {
                masking.Mask(ids, targets, new Philox(run.Seed + 1, (ulong)step));
                return encoder.MaskedLoss(tape, encoder.Hidden(tape, Sequences.Rows.Windows(ids, Batch)), targets);
            }
            // What the prefix sees is no question.
            for (int at = 0; kind == Kinds[2] && at < targets.Length; at += Length)
                targets.AsSpan(at, Length / 2 - 1).Fill(CrossEntropy.Ignore);
            return ((Decoder)model).Loss(tape, RowsOf(ids, kind), targets);
        });
    }

    // The same weights in a model of the first blocks alone, without the last norm, give the stream behind them.
    private float[] RowsBehind(StudyRun run, Model model, string kind, int blocks, StudyText text)
    {
        int[] ids = text.Judge(Windows, Length).Ids;
        if (blocks == 0)
        {
            ReadOnlySpan<float> table = model.Parameters.Weights(model.Parameters["embedding.weight"]);
            float[] rows = new float[ids.Length * Width];
            for (int i = 0; i < ids.Length; i++)
                table.Slice(ids[i] * Width, Width).CopyTo(rows.AsSpan(i * Width));
            return rows;
        }
        using Model part = ModelOf(kind, blocks, text.VocabularySize, hasNorm: false);
        foreach (Weights.Parameter parameter in part.Parameters.All)
            model.Parameters.Weights(model.Parameters[parameter.Name]).CopyTo(part.Parameters.Weights(parameter));
        using Tape tape = run.Reader(part);
        return tape[part is Encoder encoder ? encoder.Hidden(tape, RowsOf(ids, kind)) : ((Decoder)part).Hidden(tape, RowsOf(ids, kind))].ToArray();
    }

    /// <summary>Windows as a kind reads them.</summary>
    public static Rows RowsOf(int[] ids, string kind)
    {
        int count = ids.Length / Length;
        Rows rows = Sequences.Rows.Windows(ids, count);
        return kind == Kinds[2] ? rows with { Prefixes = Enumerable.Repeat(Length / 2, count).ToArray() } : rows;
    }

    /// <summary>A model of a kind: the same stack but for its mask, and so the same first weights.</summary>
    public static Model ModelOf(string kind, int blocks, int vocabularySize, bool hasNorm = true)
    {
        DecoderConfig config = Presets.Llama(vocabularySize, Width, blocks, Heads, hidden: 176, Length) with { Head = new HeadConfig(Tied: true) };
        config = config with { Stack = config.Stack with { Norm = hasNorm ? config.Stack.Norm : null } };
        if (kind != Kinds[0])
            return new Decoder(config);
        StackConfig seesAll = config.WithBlocks(block => block with { Mixer = (AttentionConfig)block.Mixer with { Mask = MaskKind.None } }).Stack;
        return new Encoder(new EncoderConfig { MaximumLength = Length, Stack = seesAll, Head = config.Head });
    }

    private (double Whole, double Apart) OfWindows(float[] rows)
    {
        StudyMean whole = new(), apart = new();
        for (int window = 0; window < Windows; window++)
        {
            float[] own = rows[(window * Length * Width)..((window + 1) * Length * Width)];
            whole.Add(EffectiveRank.Of(own, Width));
            for (int column = 0; column < Width; column++)
            {
                double mean = 0;
                for (int at = column; at < own.Length; at += Width)
                    mean += own[at] / (double)Length;
                for (int at = column; at < own.Length; at += Width)
                    own[at] -= (float)mean;
            }
            apart.Add(EffectiveRank.Of(own, Width));
        }
        return (whole.Value, apart.Value);
    }
}
