using Lemma.Formulas;

namespace Lemma.Weights;

/// <summary>
/// Low-rank changes of a model's matrices (LoRA): y += s·(x·Aᵀ)·Bᵀ, which is W + s·B·A in the place of W; of rows of an embedding that ids look up,
/// y += s·A[id]·Bᵀ. With magnitudes (DoRA) the rows of W + s·B·A have lengths m of their own, which learn.
/// </summary>
/// <remarks>
/// Applied, the model's weights stay as they are and A and B can learn: they are parameters of their own, which an optimizer steps, and the model's are
/// frozen by <see cref="Weights.Parameters.IsFrozen"/>. Merged, a pass costs what it did without the adapter. Change neither while a pass runs.
/// Embedding and head that are tied are one matrix with two uses, and a change is of one of them, so it cannot be merged.
/// Source: Hu et al. 2021, LoRA, section 4.1; Liu et al. 2024, DoRA.
/// </remarks>
public sealed class Adapter : IDisposable
{
    // Streams of the model's own dropout are numbered from 0.
    private const ulong FirstStream = 1UL << 32;
    private readonly Parameters model;
    private readonly Dictionary<(Parameter Weight, bool IsLookup), List<AdapterPart>> parts = [];
    private readonly List<string> shared = [];
    private static readonly List<AdapterPart> None = [];
    private List<(AdapterPart Part, Parameter Weight, float[] Rows)>? merged;
    private int count;

    internal Adapter(Parameters model) => this.model = model;

    /// <summary>All A, B and magnitudes, named as their files name them.</summary>
    public Parameters Parameters { get; } = new();

    /// <summary>The probability to drop an element of x before A, while the tape records and the pass has a generator; rows of embeddings drop nothing.</summary>
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

    /// <summary>Puts it into the weights, W + s·B·A or that with its magnitudes in the place of W, and keeps the old rows for <see cref="Unload"/>.</summary>
    public void Merge()
    {
        Require.That(!IsMerged, $"adapter: it is merged already");
        Require.That(shared.Count == 0,
            $"adapter: '{string.Join("', '", shared)}' cannot be merged: embedding and head are one matrix, and both would change");
        Unload();
        List<(AdapterPart, Parameter, float[])> kept = [];
        foreach (((Parameter weight, bool isLookup), List<AdapterPart> changes) in parts)
        {
            foreach (AdapterPart part in changes)
            {
                Span<float> rows = RowsOf(weight, part);
                kept.Add((part, weight, rows.ToArray()));
                ReadOnlySpan<float> a = Parameters.Weights(part.A), b = Parameters.Weights(part.B);
                if (part.Magnitude is { } magnitude)
                {
                    DirectionMagnitude.Forward(rows.ToArray(), Parameters.Weights(magnitude), a, b, weight.Shape.Columns, part.Scale, rows);
                    continue;
                }
                float[] change = new float[rows.Length];
                if (isLookup)
                    SpanProduct.Multiply(part.Rows, weight.Shape.Columns, part.Rank, a, false, b, true, change);
                else
                    SpanProduct.Multiply(part.Rows, weight.Shape.Columns, part.Rank, b, false, a, false, change);
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

    /// <summary>Refuses what cannot change some rows of a pass of a model and leave the others.</summary>
    internal void RequireForRows(Parameters of)
    {
        Require.That(of == model, $"adapter: it is of another model");
        Require.That(!IsMerged, $"adapter: it is merged, so every text has it");
        Require.That(of.Adapter is null, $"adapter: one is applied to all texts, so a text cannot have its own");
        Parameter? experts = parts.Keys.Select(use => use.Weight).FirstOrDefault(weight => weight.Shape.Rank == 3);
        Require.That(experts is null, $"adapter: '{experts?.Name}' is of experts, which are changed for all texts or none");
    }

    /// <summary>Declares the change of some rows of a matrix, of one of its uses where it has a further one.</summary>
    internal AdapterPart Add(string module, Parameter weight, int firstRow, int rows, int rank, float scale, bool isShared = false, bool hasMagnitude = false)
    {
        Require.That(!hasMagnitude || weight.Shape.Rank == 2, $"adapter: '{module}' is a matrix of an expert, whose rows have no magnitudes of their own");
        if (isShared)
            shared.Add(module);
        // Kaiming-uniform with a slope of √5 is uniform within 1/√in; the same deviation here.
        Parameter a = Parameters.Add($"{module}.lora_A.weight", new Shape(rank, weight.Shape.Columns), decays: true);
        a.First = FirstValue.Normal(1 / Math.Sqrt(3.0 * weight.Shape.Columns));
        Parameter b = Parameters.Add($"{module}.lora_B.weight", new Shape(rows, rank), decays: true);
        Parameter? magnitude = hasMagnitude ? Parameters.Add($"{module}.lora_magnitude_vector", new Shape(rows), decays: false) : null;
        return Add((weight, false), new AdapterPart(a, b, firstRow, rows, rank, scale, count++) { Magnitude = magnitude });
    }

    /// <summary>Declares the change of what is looked up in an embedding; A is 0 at first and B is drawn, as in PEFT.</summary>
    internal AdapterPart AddLookup(string module, Parameter weight, int rank, float scale, bool isShared)
    {
        if (isShared)
            shared.Add(module);
        // A row an id, so that A is looked up as the embedding is.
        Parameter a = Parameters.Add($"{module}.lora_embedding_A", new Shape(weight.Shape.Rows, rank), decays: true);
        Parameter b = Parameters.Add($"{module}.lora_embedding_B", new Shape(weight.Shape.Columns, rank), decays: true);
        b.First = FirstValue.Normal(1);
        return Add((weight, true), new AdapterPart(a, b, 0, weight.Shape.Rows, rank, scale, count++));
    }

    /// <summary>Gives every magnitude the length of its row as it is, so that a fresh adapter changes nothing.</summary>
    internal void DrawMagnitudes()
    {
        foreach (((Parameter weight, _), List<AdapterPart> changes) in parts)
        {
            foreach (AdapterPart part in changes.Where(part => part.Magnitude is not null))
            {
                Span<float> lengths = Parameters.Weights(part.Magnitude!);
                float[] row = new float[weight.Shape.Columns];
                for (int i = 0; i < part.Rows; i++)
                {
                    model.CopyRows(weight, part.FirstRow + i, row);
                    lengths[i] = (float)DirectionMagnitude.Turn(row, Parameters.Weights(part.B).Slice(i * part.Rank, part.Rank), Parameters.Weights(part.A),
                        part.Scale);
                }
            }
        }
    }

    /// <summary>What is added to products with a matrix.</summary>
    internal IReadOnlyList<AdapterPart> PartsOf(Parameter weight) => PartsOf((weight, false));

    /// <summary>What is added to rows that are looked up in a matrix.</summary>
    internal IReadOnlyList<AdapterPart> LookupsOf(Parameter weight) => PartsOf((weight, true));

    /// <summary>What the dropout of a part draws from in a pass.</summary>
    internal static Philox DrawsOf(AdapterPart part, Philox pass) => pass.Split(FirstStream + (ulong)part.Index);

    private List<AdapterPart> PartsOf((Parameter, bool) use) => parts.TryGetValue(use, out List<AdapterPart>? changes) ? changes : None;

    private AdapterPart Add((Parameter, bool) use, AdapterPart part)
    {
        if (!parts.TryGetValue(use, out List<AdapterPart>? changes))
            parts.Add(use, changes = []);
        changes.Add(part);
        return part;
    }

    private Span<float> RowsOf(Parameter weight, AdapterPart part) =>
        model.Weights(weight).Slice(part.FirstRow * weight.Shape.Columns, part.Rows * weight.Shape.Columns);
}

/// <summary>The change of some rows of a matrix.</summary>
/// <param name="A">[rank, in]; of an embedding [rows, rank].</param>
/// <param name="B">[rows, rank]; of an embedding [width, rank].</param>
/// <param name="FirstRow">The first row that it changes.</param>
/// <param name="Rows">How many rows it changes.</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">s.</param>
/// <param name="Index">Its number among all, which its dropout is drawn by.</param>
internal sealed record AdapterPart(Parameter A, Parameter B, int FirstRow, int Rows, int Rank, float Scale, int Index)
{
    /// <summary>m of each row, [rows]; null for those that follow from A and B.</summary>
    public Parameter? Magnitude { get; init; }
}
