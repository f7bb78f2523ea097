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
        List<TokenExample> some = [];
        int rows = 0;
        foreach (TokenExample example in examples)
        {
            if (some.Count > 0 && rows + example.Rows > rowsOfPass)
            {
                yield return ExampleRows.Of(some, seesPrompt);
                (some, rows) = ([], 0);
            }
            some.Add(example);
            rows += example.Rows;
        }
        yield return ExampleRows.Of(some, seesPrompt);
    }
}
