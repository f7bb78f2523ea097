using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Modules;

/// <summary>What an applied adapter adds to the results of a matrix.</summary>
internal static class Adapted
{
    /// <summary>y += s·(x·Aᵀ)·Bᵀ of products with a matrix; where rows have magnitudes of their own, y = m/‖W + s·B·A‖∘(x·(W + s·B·A)ᵀ) + b.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="y">[rows, out].</param>
    /// <param name="x">[rows, in].</param>
    /// <param name="weight">[out, in].</param>
    /// <param name="bias">What was added to y, [out]; null for nothing.</param>
    /// <param name="random">The pass's generator, which dropout draws from; null to drop nothing.</param>
    public static void AddToProduct(Tape tape, Tensor y, Tensor x, Parameter weight, Parameter? bias, Philox? random)
    {
        if (tape.AdapterRows is not { } some)
        {
            if (tape.Parameters!.Adapter is { } adapter)
                AddToProduct(tape, y, x, adapter, weight, bias, random);
            return;
        }
        RequireRows(some, y);
        foreach (AdapterRun run in some.Runs)
        {
            if (run.Adapter.PartsOf(weight).Count > 0)
                AddToProduct(tape, tape.View(y, run.First, run.Count), tape.View(x, run.First, run.Count), run.Adapter, weight, bias, random);
        }
    }

    private static void AddToProduct(Tape tape, Tensor y, Tensor x, Adapter adapter, Parameter weight, Parameter? bias, Philox? random)
    {
        IReadOnlyList<AdapterPart> parts = adapter.PartsOf(weight);
        for (int i = 0; i < parts.Count; i++)
        {
            Tensor read = random is { } draws ? tape.Dropout(x, adapter.Dropout, Adapter.DrawsOf(parts[i], draws)) : x;
            Tensor low = tape.Linear(read, tape.ParameterOf(adapter.Parameters, parts[i].A));
            if (parts[i].Magnitude is null)
            {
                Add(tape, y, low, adapter, parts[i]);
                continue;
            }
            Tensor own = tape.Columns(y, parts[i].FirstRow, parts[i].Rows);
            Tensor up = tape.Linear(tape.Scale(low, parts[i].Scale), tape.ParameterOf(adapter.Parameters, parts[i].B));
            Tensor change = tape.MagnitudeChange(own, up, weight, bias is null ? null : tape.Parameter(bias), adapter, parts[i]);
            tape.AddToColumnsInPlace(y, parts[i].FirstRow, change);
        }
    }

    /// <summary>y += s·A[id]·Bᵀ of rows that are looked up in a matrix.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="y">[ids, d].</param>
    /// <param name="ids">Rows of the matrix.</param>
    /// <param name="weight">[rows, d].</param>
    public static void AddToLookup(Tape tape, Tensor y, ReadOnlyMemory<int> ids, Parameter weight)
    {
        if (tape.AdapterRows is not { } some)
        {
            if (tape.Parameters!.Adapter is { } adapter)
                AddToLookup(tape, y, ids, adapter, weight);
            return;
        }
        RequireRows(some, y);
        foreach (AdapterRun run in some.Runs)
        {
            if (run.Adapter.LookupsOf(weight).Count > 0)
                AddToLookup(tape, tape.View(y, run.First, run.Count), ids.Slice(run.First, run.Count), run.Adapter, weight);
        }
    }

    private static void AddToLookup(Tape tape, Tensor y, ReadOnlyMemory<int> ids, Adapter adapter, Parameter weight)
    {
        IReadOnlyList<AdapterPart> parts = adapter.LookupsOf(weight);
        for (int i = 0; i < parts.Count; i++)
            Add(tape, y, tape.Embedding(ids, tape.ParameterOf(adapter.Parameters, parts[i].A)), adapter, parts[i]);
    }

    private static void RequireRows(AdapterRows some, Tensor y) =>
        Require.That(y.Shape.Rows == some.Rows, $"adapter: adapters are given for {some.Rows} rows, but a matrix gave {y.Shape}");

    private static void Add(Tape tape, Tensor y, Tensor low, Adapter adapter, AdapterPart part) =>
        tape.AddLinearInPlace(y, part.FirstRow, tape.Scale(low, part.Scale), tape.ParameterOf(adapter.Parameters, part.B));
}
