using Lemma.Modules;

namespace Lemma.Checkpoints;

/// <summary>Where one tensor of a checkpoint lies in a model's parameters.</summary>
/// <param name="Name">The tensor's full name in the checkpoint.</param>
/// <param name="Parameter">The name of the parameter that holds it.</param>
/// <param name="FirstRow">Its first row in the parameter (first element, for a vector): fused parameters hold several tensors.</param>
/// <param name="Rows">How many rows it takes.</param>
/// <param name="Transposed">Whether the checkpoint stores it as [in, out].</param>
internal sealed record WeightName(string Name, string Parameter, int FirstRow, int Rows, bool Transposed = false)
{
    /// <summary>The row of the parameter, from the first on, of each row of the tensor; null where they are the same.</summary>
    public Func<int, int>? RowOf { get; init; }

    /// <summary>The tensor's sizes where they are not [rows, columns].</summary>
    public long[]? Sizes { get; init; }

    /// <summary>How many matrices of equal rows the tensor stacks along an axis of its own; with Transposed each of them is [in, out].</summary>
    public int Stack { get; init; } = 1;

    /// <summary>Of how many tensors of equal sizes this is the first or a later one, and how many rows of the parameter lie between the beginnings of two
    /// of them: formats that stack experts have one tensor of all.</summary>
    public (int Count, int Stride)? Siblings { get; init; }

    /// <summary>The column of the parameter of each column of the tensor; null where they are the same.</summary>
    public Func<int, int>? ColumnOf { get; init; }

    /// <summary>How many columns at least keep their order where others do not.</summary>
    public int ColumnsTogether { get; init; } = 1;

    /// <summary>Rows of the parameter that the format has no place for, since no pass reads them.</summary>
    public int RowsLeftOut { get; init; }

    /// <summary>Whether the tensor's numbers are −eˣ of the parameter's.</summary>
    public bool IsNegatedExponential { get; init; }

    /// <summary>What the tensor's numbers are more than the parameter's.</summary>
    public float Offset { get; init; }

    /// <summary>Whether axes of length 1 may be left out in the file.</summary>
    public bool IsSqueezed { get; init; }

    /// <summary>Whether the tensor's numbers are those of the parameter's rows in their order.</summary>
    public bool IsPlain => !Transposed && RowOf is null && ColumnOf is null && Offset == 0 && !IsNegatedExponential;

    /// <summary>Whether the tensor holds zeros that no parameter has: anything else is refused.</summary>
    public bool IsZero { get; init; }

    /// <summary>The same of queries, keys and values that the checkpoint stores group by group: the queries that share a key, that key, its value.</summary>
    public WeightName GroupByGroup(AttentionConfig attention)
    {
        (int d, int groups, int queries) = (attention.HeadWidth, attention.KeyValueHeads, attention.Heads / attention.KeyValueHeads);
        if (groups == 1)
            return this;
        int each = (queries + 2) * d;
        return this with
        {
            RowOf = row => row % each / d is var part && part < queries ? row / each * queries * d + row % each
                : (part * groups + row / each) * d + row % d,
        };
    }

    /// <summary>The same of rows of heads whose halves the checkpoint has the other way round: there positions turn backward.</summary>
    public WeightName WithHalvesSwapped(int headWidth) => this with { RowOf = row => row / headWidth * headWidth + (row % headWidth + headWidth / 2) % headWidth };

    /// <summary>The same of heads whose turning pairs are neighbours in the file: rows 2i and 2i + 1 of a head are the parameter's i and i + half.</summary>
    public WeightName WithNeighboursTurning(int headWidth) =>
        this with { RowOf = row => row / headWidth * headWidth + row % headWidth / 2 + row % 2 * (headWidth / 2) };

    /// <summary>The whole of a parameter as one tensor.</summary>
    public static WeightName Whole(string name, string parameter, int rows, bool transposed = false) => new(name, parameter, 0, rows, transposed);

    /// <summary>The weight of a linear layer, and its bias where it has one.</summary>
    public static IEnumerable<WeightName> Linear(string name, string parameter, int rows, bool bias, int firstRow = 0, bool transposed = false)
    {
        yield return new($"{name}.weight", $"{parameter}.weight", firstRow, rows, transposed);
        if (bias)
            yield return new($"{name}.bias", $"{parameter}.bias", firstRow, rows);
    }

    /// <summary>A norm's weight and bias, where it has them.</summary>
    public static IEnumerable<WeightName> Norm(string name, string parameter, int width, NormConfig config) =>
        !config.HasGain ? [] : Linear(name, parameter, width, config is LayerNormConfig { Bias: true });
}
