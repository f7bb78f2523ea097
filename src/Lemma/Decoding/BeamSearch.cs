using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Decoding;

/// <summary>How beams are kept and compared.</summary>
public sealed record BeamOptions
{
    /// <summary>Continuations that are kept a step.</summary>
    public int Beams { get; init; } = 4;

    /// <summary>The most ids to add.</summary>
    public int MaximumTokens { get; init; } = 200;

    /// <summary>α: continuations that have ended are compared by Σ log p/n^α; above 0 longer ones gain.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>Whether to end as soon as as many have ended as are kept, else when none that goes on can win any more.</summary>
    public bool StopsEarly { get; init; }

    /// <summary>Ids that end a continuation; null for those of the model.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>Ids that the tokenizer has: a model may have more, which stand for nothing and are not taken; null for all of the model.</summary>
    public int? Ids { get; init; }
}

/// <summary>One continuation.</summary>
/// <param name="Ids">The ids after the prompt, without the one that ended them.</param>
/// <param name="LogProbability">Σ log p over them, the end included.</param>
/// <param name="Score">What it was compared by.</param>
public sealed record Beam(IReadOnlyList<int> Ids, double LogProbability, double Score);

/// <summary>The likeliest continuations as a whole, searched some at a time.</summary>
/// <remarks>Beams are one pass with a state each; a beam that splits forks its state. Ties go to the lower id of the earlier beam.</remarks>
public static class BeamSearch
{
    private sealed record Kept(int[] Ids, double Sum, SequenceState State);

    /// <summary>The beams that ended best, the best first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="state">A state of the model before the prompt; it is left as it was.</param>
    /// <param name="prompt">What is continued.</param>
    /// <param name="options">How.</param>
    public static IReadOnlyList<Beam> Run(IContinuingModel model, Workers workers, SequenceState state, ReadOnlyMemory<int> prompt, BeamOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        Require.That(options.Beams > 0 && options.MaximumTokens > 0,
            $"beam_search: beams and tokens must be positive, but they are {options.Beams} and {options.MaximumTokens}");
        Require.That(options.Ids is null or > 0, $"beam_search: there must be ids to take, but they are {options.Ids}");
        Require.That(!prompt.IsEmpty, $"beam_search: the prompt must have at least one id, but it is empty");
        long room = (long)model.MaximumLength - state.Length - prompt.Length;
        Require.That(room >= 0,
            $"beam_search: {state.Length} tokens and a prompt of {prompt.Length} ids are more than the longest sequence, {model.MaximumLength}");
        IReadOnlyList<int> stops = options.StopIds ?? model.EndIds;
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        List<Kept> kept = [new([], 0, state.Fork())];
        List<Beam> ended = [];
        int most = (int)Math.Min(options.MaximumTokens, room + 1);
        try
        {
            for (int step = 0; step < most && kept.Count > 0 && !IsOver(kept, ended, step, options); step++)
            {
                List<(int Beam, int Id, double Sum)> best = Candidates(model, tape, kept, step == 0 ? prompt : default, options);
                List<Kept> next = [];
                for (int rank = 0; rank < best.Count && next.Count < options.Beams; rank++)
                {
                    (int beam, int id, double sum) = best[rank];
                    if (!stops.Contains(id))
                        next.Add(new Kept([.. kept[beam].Ids, id], sum, kept[beam].State.Fork()));
                    else if (rank < options.Beams)
                    {
                        // As the peers do: an end counts only where it is among the best.
                        ended.Add(new Beam(kept[beam].Ids, sum, sum / Math.Pow(kept[beam].Ids.Length + 1, options.LengthPenalty)));
                    }
                }
                Release(kept);
                kept = next;
                ended = [.. ended.OrderByDescending(beam => beam.Score).Take(options.Beams)];
            }
            ended.AddRange(kept.Select(beam => new Beam(beam.Ids, beam.Sum, beam.Sum / Math.Pow(Math.Max(1, beam.Ids.Length), options.LengthPenalty))));
            return [.. ended.OrderByDescending(beam => beam.Score).Take(options.Beams)];
        }
        finally
        {
            Release(kept);
        }
    }

    // As many have ended as are kept, and none that goes on can score more by the ids that it has.
    private static bool IsOver(List<Kept> kept, List<Beam> ended, int ids, BeamOptions options) => ended.Count == options.Beams
        && (options.StopsEarly || kept[0].Sum / Math.Pow(ids, options.LengthPenalty) <= ended[^1].Score);

    private static List<(int Beam, int Id, double Sum)> Candidates(IContinuingModel model, Tape tape, List<Kept> kept, ReadOnlyMemory<int> prompt,
        BeamOptions options)
    {
        Rows rows = prompt.IsEmpty ? new Rows(kept.Select(beam => beam.Ids[^1]).ToArray(), Enumerable.Repeat(1, kept.Count).ToArray(),
            kept.Select(beam => beam.State).ToArray())
            : Rows.One(prompt, kept[0].State);
        Tensor logits = model.NextLogits(tape, rows);
        int vocabulary = model.VocabularySize;
        float[] scores = new float[vocabulary];
        List<(int Beam, int Id, double Sum)> best = [];
        for (int beam = 0; beam < kept.Count; beam++)
        {
            LogSoftmax.Forward(tape[logits].Slice(beam * vocabulary, vocabulary), vocabulary, 1, scores);
            for (int id = 0; id < Math.Min(vocabulary, options.Ids ?? vocabulary); id++)
                Insert(best, (beam, id, kept[beam].Sum + scores[id]), 2 * options.Beams);
        }
        tape.Rewind();
        return best;
    }

    // Keeps the largest in order; an equal one stays behind.
    private static void Insert(List<(int Beam, int Id, double Sum)> best, (int Beam, int Id, double Sum) candidate, int count)
    {
        if (double.IsNaN(candidate.Sum))
            throw new ArithmeticException($"beam_search: the log-probability of id {candidate.Id} is not a number");
        if (best.Count == count && candidate.Sum <= best[^1].Sum)
            return;
        int place = best.Count;
        while (place > 0 && best[place - 1].Sum < candidate.Sum)
            place--;
        best.Insert(place, candidate);
        if (best.Count > count)
            best.RemoveAt(count);
    }

    private static void Release(List<Kept> kept)
    {
        foreach (Kept beam in kept)
            beam.State.Dispose();
    }
}
