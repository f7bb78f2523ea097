using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Cli.Studies;

/// <summary>The loss by position, up to four times the length that was trained, by the kind of positions.</summary>
internal sealed class PositionStudy : Study
{
    private const int Trained = 64, Times = 4, Read = Trained * Times, Bin = 16, Batch = 24, Layers = 3, Width = 64, Heads = 4;
    private const string Rotary = "rotary";

    private static readonly string[] Learned = ["none", "sinusoidal", "learned", Rotary, "ALiBi"];
    private static readonly string[] Shown = [.. Learned, "interpolated", "YaRN"];

    /// <summary>Stories to learn.</summary>
    public int Stories { get; init; } = 3000;

    /// <summary>New windows of four times the length.</summary>
    public int Windows { get; init; } = 200;

    public override string Name => "positions";

    public override string Question => "Which positions reach beyond the trained length?";

    public override string Setup =>
        $"Decoders of Llama's shape ({Layers} layers, width {Width}, {Heads} heads) that differ in their positions alone learn built-in stories "
        + $"(tokens of a BPE of 512) in windows of {Trained}: {Steps} steps of {Batch}. Then they read {Windows} new windows of {Read}, each at "
        + $"once; the loss is that of {Bin} positions up to the one named. Interpolated (angles divided by {Times}) and YaRN (factor {Times}, "
        + $"attention scaled) are the weights of rotary, not trained further. Learned positions have no row beyond {Trained}: longer windows are "
        + "refused, and there is no number. ± is the largest standard error of its line, over windows.";

    public override string Conclusion =>
        "Within the trained length all kinds do about as well, ALiBi and rotary best, none worst. Beyond it they part. ALiBi goes on as if "
        + "nothing were: weights fall with the distance, so that what is further off than ever hardly counts. Rotary holds for nearly another "
        + "length and then loses hold. YaRN takes rotary's weights four times as far at a price, within the trained length too, without a step "
        + "of training. Dividing all angles, without training, is far worse than doing nothing within the length and twice as far: neighbours "
        + "are no longer where heads look for them. Sines of positions beyond the length are vectors that were never seen, and the loss is soon "
        + "above four nats. A model without positions does not reach further either. Learned positions end. A second seed shows the same.";

    public override string Limits =>
        "Interpolation was made to be trained further for some hundred steps (Chen et al. 2023), and so was YaRN (Peng et al. 2023): this is "
        + "what they are worth before. That a loss stays low does not say that what is far is used: the stories need little beyond 64 tokens, "
        + "and a model that forgets, as ALiBi's does, has it easy here. One small model each, one length and factor, four heads of 16 with θ = "
        + "10000; differences of a few hundredths within the length are not told apart from the chance of training.";

    public override IReadOnlyList<StudyChart> Charts { get; } =
        [new("Loss by position", "nats a token", ["position", .. Shown, "largest ±"], [.. Enumerable.Range(1, Shown.Length)])];

    public override int Steps => 800;

    public override int Trainings => Learned.Length;

    protected override IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run)
    {
        StudyText text = StudyText.Of(run.Seed, Stories, Windows * Read / 100);
        Dictionary<string, StudyMean[]> byName = [];
        foreach (string kind in Learned)
        {
            using Decoder decoder = new(ConfigOf(kind, text.VocabularySize));
            decoder.Initialize(run.Seed);
            run.Train(decoder, 0.004, (tape, step) =>
            {
                (int[] ids, int[] targets) = text.Draw(new Philox(run.Seed, (ulong)step), Batch, Trained);
                return decoder.Loss(tape, Rows.Windows(ids, Batch), targets);
            });
            byName[kind] = Measure(run, decoder, text);
            foreach (string scaled in kind == Rotary ? Shown[Learned.Length..] : [])
            {
                using Decoder other = new(ConfigOf(scaled, text.VocabularySize));
                foreach (Weights.Parameter parameter in decoder.Parameters.All)
                    decoder.Parameters.Weights(parameter).CopyTo(other.Parameters.Weights(other.Parameters[parameter.Name]));
                byName[scaled] = Measure(run, other, text);
            }
        }
        return [[.. Enumerable.Range(0, Read / Bin).Select(bin => (double[])[(bin + 1) * Bin, .. Shown.Select(kind => byName[kind][bin].Value),
            Shown.Max(kind => byName[kind][bin].Error)])]];
    }

    /// <summary>The decoder of a kind of positions; one with learned positions has no more of them than were trained.</summary>
    public static DecoderConfig ConfigOf(string kind, int vocabularySize)
    {
        DecoderConfig plain = Presets.Llama(vocabularySize, Width, Layers, Heads, hidden: 176, Read) with { Head = new HeadConfig(Tied: true) };
        StackConfig stack = plain.Stack;
        return kind switch
        {
            Rotary => plain,
            "interpolated" => Turned(plain, new RotaryConfig { Scaling = new LinearRopeScaling(Times) }),
            "YaRN" => Turned(plain, new RotaryConfig { Scaling = new YarnRopeScaling(Times, Trained) }),
            "none" => Turned(plain, null),
            "ALiBi" => Turned(plain with { Stack = stack with { Bias = new SlopeBias(Heads) } }, null),
            "sinusoidal" => Turned(plain with { Stack = stack with { Embedding = stack.Embedding with { Sinusoidal = true, Scale = MathF.Sqrt(Width) } } }, null),
            "learned" => Turned(plain with
            {
                MaximumLength = Trained,
                Stack = stack with { Embedding = stack.Embedding with { LearnedPositions = Trained } },
            }, null),
            _ => throw new ArgumentException($"study: there are no positions '{kind}'"),
        };
    }

    private static DecoderConfig Turned(DecoderConfig config, RotaryConfig? rotary) =>
        config.WithBlocks(block => block with { Mixer = (AttentionConfig)block.Mixer with { Rotary = rotary } });

    // The mean of each bin, over windows.
    private StudyMean[] Measure(StudyRun run, Decoder decoder, StudyText text)
    {
        StudyMean[] bins = [.. Enumerable.Range(0, Read / Bin).Select(_ => new StudyMean())];
        int length = Math.Min(Read, decoder.MaximumLength);
        (int[] ids, int[] targets) = text.Judge(Windows, Read);
        using Tape tape = run.Reader(decoder);
        for (int window = 0; window < Windows; window++)
        {
            float[] losses = StudyRun.Losses(decoder, tape, Rows.One(ids.AsMemory(window * Read, length)), targets[(window * Read)..(window * Read + length)]);
            for (int bin = 0; bin < length / Bin; bin++)
                bins[bin].Add(losses.AsSpan(bin * Bin, Bin).ToArray().Average());
        }
        return bins;
    }
}
