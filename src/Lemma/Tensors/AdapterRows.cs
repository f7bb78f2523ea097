using Lemma.Weights;

namespace Lemma.Tensors;

/// <summary>Which rows of a pass which adapters change: rows of one text follow each other, and those of texts with one adapter are one run.</summary>
/// <param name="Rows">All rows of the pass.</param>
/// <param name="Runs">Runs with an adapter, first rows ascending; the rest of the rows is the model's own.</param>
internal sealed record AdapterRows(int Rows, IReadOnlyList<AdapterRun> Runs);

/// <summary>Rows that one adapter changes.</summary>
/// <param name="Adapter">The adapter.</param>
/// <param name="First">The first row.</param>
/// <param name="Count">How many.</param>
internal readonly record struct AdapterRun(Adapter Adapter, int First, int Count);
