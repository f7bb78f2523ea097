using System.Diagnostics;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Planning;

/// <summary>How fast a row meets weights of a type that lie in memory, far beyond the caches: what a decoded token waits for.</summary>
public static class WeightRate
{
    // 134 million bytes or so of each type.
    private const int Columns = 1024, Bytes = 1 << 27, Turns = 6;

    /// <summary>The types that are known.</summary>
    public static IReadOnlyList<string> Types { get; } = ["F32", "F16", "BF16", "Q8_0", "Q4_K"];

    /// <summary>The bytes that a weight of a type takes in memory.</summary>
    /// <exception cref="ArgumentException">There is no such type.</exception>
    public static double BytesOfWeight(string type) => Checked(type) == "F32" ? 4 : LayoutOf(type) is { } layout
        ? layout.PanelBytes(Columns) / (double)(QuantizedLayout.Rows * Columns) : 2;

    /// <summary>Weights a second that one row is multiplied with.</summary>
    /// <exception cref="ArgumentException">There is no such type.</exception>
    public static double Measure(Workers workers, string type)
    {
        int rows = (int)(Bytes / BytesOfWeight(type) / Columns) / QuantizedLayout.Rows * QuantizedLayout.Rows;
        return (double)rows * Columns / TimeOfProduct(workers, type, 1, rows, Columns);
    }

    /// <summary>The seconds of a product of some rows with a weight of a type, the least of a few.</summary>
    internal static double TimeOfProduct(Workers workers, string type, int m, int n, int k)
    {
        ArgumentNullException.ThrowIfNull(workers);
        using Parameters parameters = new();
        Parameter weight = parameters.Add("weight", new Shape(n, k), decays: false);
        weight.TakesPanels = true;
        WeightPiece? piece = Checked(type) == "F32" ? null : LayoutOf(type) is { } layout ? new WeightPiece(layout, 0, n, k)
            : new WeightPiece(type == "F16" ? HalfKind.Half : HalfKind.Brain, 0, n, k);
        if (piece is not null)
            parameters.Quantize(weight, [piece]);
        parameters.Allocate();
        // Any small number will do, but pages that nothing was written to would be read from nowhere.
        if (piece is null)
        {
            parameters.Weights(weight).Fill(0.01f);
            parameters.Pack(workers);
        }
        else
        {
            piece.FillBytes(0x11);
        }
        using Tape tape = new(workers, parameters) { Recording = false };
        Tensor x = tape.New(new Shape(m, k));
        tape[x].Fill(0.5f);
        Tape.Mark mark = tape.Here;
        double least = double.PositiveInfinity;
        for (int turn = 0; turn <= Turns; turn++)
        {
            long start = Stopwatch.GetTimestamp();
            tape.Linear(x, tape.Parameter(weight));
            // The first turn warms up.
            least = turn == 0 ? least : Math.Min(least, Stopwatch.GetElapsedTime(start).TotalSeconds);
            tape.Rewind(mark);
        }
        return least;
    }

    private static QuantizedLayout? LayoutOf(string type) => BlockFormat.Find(type) is { } format ? StoredWeights.LayoutOf(format) : null;

    private static string Checked(string type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return Types.Contains(type) ? type : throw new ArgumentException($"weights: there is no type '{type}' that is timed; there are {string.Join(", ", Types)}");
    }
}
