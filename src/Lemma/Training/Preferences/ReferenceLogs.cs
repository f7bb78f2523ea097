using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;

namespace Lemma.Training;

/// <summary>ln π_ref(y|x) of pairs under a model that stays as it is, computed once: the reference need not be kept.</summary>
public sealed class ReferenceLogs
{
    private readonly float[] chosen, rejected;

    private ReferenceLogs(float[] chosen, float[] rejected) => (this.chosen, this.rejected) = (chosen, rejected);

    /// <summary>Reads every pair once.</summary>
    /// <param name="reference">The reference: the model before its training, or the base of its adapter while that is not applied.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="rowsOfPass">The most rows of one pass; the result does not depend on it.</param>
    /// <param name="progress">Told how many pairs are read.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static ReferenceLogs Compute(Decoder reference, IReadOnlyList<TokenPair> pairs, Workers workers, int rowsOfPass = 2048,
        IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        TokenExample[] answers = [.. pairs.SelectMany(pair => new[] { pair.Chosen, pair.Rejected })];
        float[] logs = SequenceLogs.Compute(reference, answers, workers, rowsOfPass, progress is null ? null : new Halves(progress), cancellation);
        return new ReferenceLogs([.. logs.Where((_, i) => i % 2 == 0)], [.. logs.Where((_, i) => i % 2 == 1)]);
    }

    private sealed class Halves(IProgress<int> pairs) : IProgress<int>
    {
        public void Report(int value) => pairs.Report(value / 2);
    }

    /// <summary>How many pairs it knows.</summary>
    public int Count => chosen.Length;

    internal (float Chosen, float Rejected) this[int pair] => (chosen[pair], rejected[pair]);
}
