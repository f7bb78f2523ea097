using Lemma.Data;
using Lemma.Models;

namespace Lemma.Training;

/// <summary>Whether examples fit a model, and examples in passes to judge by.</summary>
internal static class ExampleCheck
{
    /// <summary>Refuses examples that the model cannot read or that predict nothing.</summary>
    public static void Require(string recipe, Decoder decoder, IReadOnlyList<TokenExample> examples, string what, bool readsLast = false)
    {
        Lemma.Require.That(examples.Count > 0, $"{recipe}: there must be at least one example for {what}");
        for (int i = 0; i < examples.Count; i++)
        {
            TokenExample example = examples[i];
            int rows = example.Rows + (readsLast ? 1 : 0);
            Lemma.Require.That(rows <= decoder.Config.MaximumLength,
                $"{recipe}: {what} example {i} has {rows} rows, but the model's longest sequence is {decoder.Config.MaximumLength}");
            Lemma.Require.That(readsLast || example.Predicted > 0, $"{recipe}: nothing is to be predicted in {what} example {i}");
            foreach (int id in example.Ids.Span)
            {
                Lemma.Require.That((uint)id < (uint)decoder.Config.VocabularySize,
                    $"{recipe}: {what} example {i} has the id {id}, but the vocabulary has {decoder.Config.VocabularySize}");
            }
        }
    }

    /// <summary>Examples in their order, so many rows at a time.</summary>
    public static IEnumerable<ExampleRows> InPasses(IReadOnlyList<TokenExample> examples, int rowsOfPass, bool seesPrompt = false)
    {
        foreach (int[] some in Batches([.. examples.Select(example => example.Rows)], rowsOfPass))
            yield return ExampleRows.Of([.. some.Select(example => examples[example])], seesPrompt);
    }

    /// <summary>Places 0, 1, … in their order, so many rows at a time; what has more rows stands alone.</summary>
    public static IEnumerable<int[]> Batches(int[] rows, int rowsOfPass)
    {
        for (int first = 0, end; first < rows.Length; first = end)
        {
            int sum = rows[first];
            for (end = first + 1; end < rows.Length && sum + rows[end] <= rowsOfPass; end++)
                sum += rows[end];
            yield return [.. Enumerable.Range(first, end - first)];
        }
    }
}
