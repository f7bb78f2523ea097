using Lemma.Data;
using Lemma.Formulas;
using Lemma.Sequences;

namespace Lemma.Training;

/// <summary>Examples as the rows of one pass, with the target of each row.</summary>
/// <param name="Rows">What the pass reads: a sequence an example.</param>
/// <param name="Targets">The target of each row, −100 where it does not count.</param>
public sealed record ExampleRows(Rows Rows, ReadOnlyMemory<int> Targets)
{
    /// <summary>The rows that count, in order.</summary>
    public int[] Counted() => [.. Enumerable.Range(0, Targets.Length).Where(row => Targets.Span[row] != CrossEntropy.Ignore)];

    /// <summary>The rows of some examples, one after the other.</summary>
    /// <param name="examples">The examples.</param>
    /// <param name="seesPrompt">Whether what stands before the first id that counts sees all of itself.</param>
    public static ExampleRows Of(IReadOnlyList<TokenExample> examples, bool seesPrompt = false)
    {
        int[] lengths = [.. examples.Select(example => example.Rows)];
        int[] ids = new int[lengths.Sum()], targets = new int[ids.Length];
        for (int i = 0, first = 0; i < examples.Count; first += lengths[i++])
            examples[i].Fill(ids.AsSpan(first, lengths[i]), targets.AsSpan(first, lengths[i]));
        Rows rows = new(ids, lengths);
        return new ExampleRows(seesPrompt ? rows with { Prefixes = examples.Select(example => example.Counts.Span.IndexOf(true)).ToArray() } : rows, targets);
    }
}
