namespace Lemma.Formulas;

/// <summary>Some columns of a panel, as tiles take them.</summary>
/// <param name="Numbers">The whole numbers.</param>
/// <param name="Scales">[parts, 16].</param>
/// <param name="Minima">[parts, 16], or null.</param>
/// <param name="First">The first part of the rounded rows, with which 32 columns begin.</param>
/// <param name="Parts">How many parts.</param>
/// <param name="Next">What is read next, fetched meanwhile where few rows wait for memory.</param>
/// <param name="Lines">Lines of it for each 32 columns.</param>
internal readonly unsafe record struct QuantizedOperands(nint Numbers, nint Scales, nint Minima, int First, int Parts, nint Next, int Lines);
