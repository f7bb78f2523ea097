namespace Lemma.Formulas;

/// <summary>Some columns of a panel, or of two, as tiles take them.</summary>
/// <param name="Numbers">The whole numbers.</param>
/// <param name="Scales">[parts, 16]; the second panel's are <see cref="PanelScales"/> behind them.</param>
/// <param name="Minima">[parts, 16], or null; the second panel's alike.</param>
/// <param name="First">The first part of the rounded rows, with which 32 columns begin.</param>
/// <param name="Parts">How many parts.</param>
/// <param name="Next">What is read next, fetched meanwhile where few rows wait for memory.</param>
/// <param name="Lines">Lines of it for each 32 columns.</param>
/// <param name="Second">Bytes from the whole numbers to those of the second panel, or 0 for one panel.</param>
internal readonly record struct QuantizedOperands(nint Numbers, nint Scales, nint Minima, int First, int Parts, nint Next, int Lines, nint Second = 0)
{
    /// <summary>The most parts of the columns, where scales are kept.</summary>
    public const int MostParts = 64;

    /// <summary>Floats from the scales of a panel to those of the second.</summary>
    public const int PanelScales = MostParts * QuantizedLayout.Rows;
}
