using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>Low-rank changes of a model's matrices (LoRA): y += s·(x·Aᵀ)·Bᵀ, which is W + s·B·A in the place of W.</summary>
/// <remarks>
/// Applied, the model's weights stay as they are and A and B can learn: they are parameters of their own, which an optimizer steps, and the model's are
/// frozen by <see cref="Weights.Parameters.IsFrozen"/>. Merged, a pass costs what it did without the adapter. Change neither while a pass runs.
/// The change of a tied head is of its product alone, not of the embedding that its matrix is as well, so it cannot be merged.
/// Source: Hu et al. 2021, LoRA, section 4.1.
/// </remarks>
public sealed class Adapter : IDisposable
{
    private readonly Parameters model;
    private readonly Dictionary<Parameter, List<AdapterPart>> parts = new(ReferenceEqualityComparer.Instance);
    private readonly List<string> shared = [];
    private List<(AdapterPart Part, Parameter Weight, float[] Rows)>? merged;

    internal Adapter(Parameters model) => this.model = model;

    /// <summary>All A and B, named as their files name them.</summary>
    public Parameters Parameters { get; } = new();

    /// <summary>The probability to drop an element of x before A, while the tape records and the pass has a generator.</summary>
    public float Dropout { get; init; }

    /// <summary>Whether passes add it.</summary>
    public bool IsApplied => model.Adapter == this;

    /// <summary>Whether it is in the model's weights.</summary>
    public bool IsMerged => merged is not null;

    /// <summary>Adds it to the products of every pass from now on, in place of another adapter that was applied.</summary>
    public void Apply()
    {
        Require.That(!IsMerged, $"adapter: it is merged, so it cannot be applied as well");
        model.Adapter = this;
    }

    /// <summary>Takes it away: the model computes the bits of before. Of an adapter that is merged the old rows come back.</summary>
    public void Unload()
    {
        if (IsApplied)
            model.Adapter = null;
        foreach ((AdapterPart part, Parameter weight, float[] rows) in merged ?? [])
            rows.CopyTo(RowsOf(weight, part));
        merged = null;
    }

    /// <summary>Adds it to the weights, W += s·B·A, and keeps the old rows for <see cref="Unload"/>.</summary>
    public void Merge()
    {
        Require.That(!IsMerged, $"adapter: it is merged already");
        Require.That(shared.Count == 0,
            $"adapter: '{string.Join("', '", shared)}' cannot be merged, since its matrix is the embedding's as well, which would change with it");
        Unload();
        List<(AdapterPart, Parameter, float[])> kept = [];
        foreach ((Parameter weight, List<AdapterPart> changes) in parts)
        {
            foreach (AdapterPart part in changes)
            {
                Span<float> rows = RowsOf(weight, part);
                kept.Add((part, weight, rows.ToArray()));
                float[] change = new float[rows.Length];
                SpanProduct.Multiply(part.B.Shape[0], weight.Shape.Columns, part.A.Shape[0], Parameters.Weights(part.B), false, Parameters.Weights(part.A), false,
                    change);
                Lanes.AddScaled(change, part.Scale, rows);
            }
        }
        merged = kept;
    }

    /// <summary>Takes it away where it is applied and gives its memory back; what is merged stays.</summary>
    public void Dispose()
    {
        if (IsApplied)
            model.Adapter = null;
        Parameters.Dispose();
    }

    /// <summary>Declares the change of some rows of a matrix, of one of its uses where it has a further one.</summary>
    internal AdapterPart Add(string module, Parameter weight, int firstRow, int rows, int rank, float scale, bool isShared = false)
    {
        if (isShared)
            shared.Add(module);
        // Kaiming-uniform with a slope of √5 is uniform within 1/√in; the same deviation here.
        Parameter a = Parameters.Add($"{module}.lora_A.weight", new Shape(rank, weight.Shape.Columns), decays: true);
        a.First = FirstValue.Normal(1 / Math.Sqrt(3.0 * weight.Shape.Columns));
        AdapterPart part = new(a, Parameters.Add($"{module}.lora_B.weight", new Shape(rows, rank), decays: true), firstRow, scale, (Parameters.All.Count - 1) / 2);
        if (!parts.TryGetValue(weight, out List<AdapterPart>? changes))
            parts.Add(weight, changes = []);
        changes.Add(part);
        return part;
    }

    /// <summary>What is added to products with a matrix.</summary>
    internal IReadOnlyList<AdapterPart> PartsOf(Parameter weight) => parts.TryGetValue(weight, out List<AdapterPart>? changes) ? changes : [];

    private Span<float> RowsOf(Parameter weight, AdapterPart part) =>
        model.Weights(weight).Slice(part.FirstRow * weight.Shape.Columns, part.B.Shape[0] * weight.Shape.Columns);
}

/// <summary>The change of some rows of a matrix.</summary>
/// <param name="A">[rank, in].</param>
/// <param name="B">[rows, rank].</param>
/// <param name="FirstRow">The first row that it changes.</param>
/// <param name="Scale">s.</param>
/// <param name="Index">Its number among all, which its dropout is drawn by.</param>
internal sealed record AdapterPart(Parameter A, Parameter B, int FirstRow, float Scale, int Index);
