using Lemma.Compute;
using Lemma.Decoding.Constraints;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Decoding;

/// <summary>One continuation.</summary>
/// <param name="Ids">The ids after the prompt, without the one that ended them.</param>
/// <param name="LogProbability">Σ log p over them, the end included.</param>
/// <param name="Score">What it was compared by.</param>
public sealed record Beam(IReadOnlyList<int> Ids, double LogProbability, double Score);

/// <summary>The likeliest continuations as a whole, searched some at a time.</summary>
/// <remarks>Beams are one pass with a state each; a beam that splits forks its state. Ties go to the lower id of the earlier beam.</remarks>
public static class BeamSearch
{
    private sealed record Kept(int[] Ids, double Sum, SequenceState State, ConstrainedText? Text);

    /// <summary>The beams that ended best, the best first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="state">A state of the model before the prompt; it is left as it was.</param>
    /// <param name="prompt">What is continued.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static IReadOnlyList<Beam> Run(IContinuingModel model, Workers workers, SequenceState state, ReadOnlyMemory<int> prompt, BeamOptions options,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        Require.That(options.Beams > 0 && options.MaximumTokens > 0,
            $"beam_search: beams and tokens must be positive, but they are {options.Beams} and {options.MaximumTokens}");
        Require.That(options.Ids is null or > 0, $"beam_search: there must be ids to take, but they are {options.Ids}");
        Require.That(double.IsFinite(options.LengthPenalty), $"beam_search: the length penalty must be a number, but it is {options.LengthPenalty}");
        Require.That(!prompt.IsEmpty, $"beam_search: the prompt must have at least one id, but it is empty");
        long room = (long)model.MaximumLength - state.Length - prompt.Length;
        Require.That(room >= 0,
            $"beam_search: {state.Length} tokens and a prompt of {prompt.Length} ids are more than the longest sequence, {model.MaximumLength}");
        IReadOnlyList<int> stops = options.StopIds ?? model.EndIds;
        Require.That(options.Constraint is null || (stops.Count > 0 && options.Constraint.Ids <= model.VocabularySize),
            $"beam_search: under a constraint an id must end a text, and it is over at most {model.VocabularySize} ids, but {stops.Count} end one and it is over "
            + $"{options.Constraint?.Ids}");
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        Candidates candidates = new(Math.Min(model.VocabularySize, options.Ids ?? model.VocabularySize));
        float[] scores = new float[model.VocabularySize];
        // So many that as many as are kept go on, even where every beam could end in every way.
        int count = (int)Math.Min((long)options.Beams * Math.Max(2, 1 + stops.Count), (long)options.Beams * candidates.VocabularySize);
        List<Kept> kept = [new([], 0, state.Fork(), options.Constraint?.Begin(prompt.Span))];
        List<Beam> ended = [];
        int most = (int)Math.Min(options.MaximumTokens, room + 1);
        try
        {
            for (int made = 1; made <= most && kept.Count > 0; made++)
            {
                cancellation.ThrowIfCancellationRequested();
                List<(int Beam, int Id, double Sum)> best = Continuations(model, tape, kept, made == 1 ? prompt : default, count, candidates, scores, stops);
                List<Kept> next = [];
                for (int rank = 0; rank < best.Count; rank++)
                {
                    (int beam, int id, double sum) = best[rank];
                    bool isStop = stops.Contains(id);
                    // As the peers do: an end counts only where it is among the best, and after the last token every text ends.
                    if (rank < options.Beams && (isStop || made == most))
                        ended.Add(new Beam(isStop ? kept[beam].Ids : [.. kept[beam].Ids, id], sum, sum / Math.Pow(made, options.LengthPenalty)));
                    if (!isStop && made < most && next.Count < options.Beams)
                        next.Add(new Kept([.. kept[beam].Ids, id], sum, kept[beam].State.Fork(), Behind(kept[beam].Text, id)));
                }
                Release(kept);
                kept = next;
                ended = [.. ended.OrderByDescending(beam => beam.Score).Take(options.Beams)];
                if (kept.Count > 0 && IsOver(kept[0].Sum, ended, made, most, options))
                    break;
            }
            return ended;
        }
        finally
        {
            Release(kept);
        }
    }

    // As many have ended as are kept, and none that goes on can win, by the rule that was chosen.
    private static bool IsOver(double likeliest, List<Beam> ended, int made, int most, BeamOptions options)
    {
        if (ended.Count < options.Beams)
            return false;
        int length = options.Stopping == BeamStopping.WhenImpossible && options.LengthPenalty > 0 ? most : made;
        return options.Stopping == BeamStopping.AtOnce || likeliest / Math.Pow(length, options.LengthPenalty) <= ended[^1].Score;
    }

    private static List<(int Beam, int Id, double Sum)> Continuations(IContinuingModel model, Tape tape, List<Kept> kept, ReadOnlyMemory<int> prompt,
        int count, Candidates candidates, float[] scores, IReadOnlyList<int> stops)
    {
        Rows rows = prompt.IsEmpty ? new Rows(kept.Select(beam => beam.Ids[^1]).ToArray(), Enumerable.Repeat(1, kept.Count).ToArray(),
            kept.Select(beam => beam.State).ToArray())
            : Rows.One(prompt, kept[0].State);
        Tensor logits = model.NextLogits(tape, rows);
        int vocabulary = model.VocabularySize;
        List<(int Beam, int Id, double Sum)> all = [];
        for (int beam = 0; beam < kept.Count; beam++)
        {
            LogSoftmax.Forward(tape[logits].Slice(beam * vocabulary, vocabulary), vocabulary, 1, scores);
            candidates.Reset(scores.AsSpan(0, candidates.VocabularySize));
            kept[beam].Text?.Keep(candidates, scores.AsSpan(0, candidates.VocabularySize), stops);
            candidates.Sort(count);
            for (int i = 0; i < Math.Min(count, candidates.Count); i++)
                all.Add((beam, candidates.Ids[i], kept[beam].Sum + candidates.Logits[i]));
        }
        tape.Rewind();
        // The order is stable, so an equal one of a later beam, or of a higher id, stays behind.
        return [.. all.OrderByDescending(one => one.Sum).Take(count)];
    }

    private static ConstrainedText? Behind(ConstrainedText? text, int id)
    {
        ConstrainedText? fork = text?.Fork();
        fork?.Add(id);
        return fork;
    }

    private static void Release(List<Kept> kept)
    {
        foreach (Kept beam in kept)
            beam.State.Dispose();
    }
}
