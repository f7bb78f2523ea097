namespace Lemma.Formulas;

/// <summary>How exact a formula is in float32, relative to the largest magnitude of its result.</summary>
public enum FormulaKind
{
    /// <summary>A function of each element alone: within 2·10⁻⁶.</summary>
    Elementwise,

    /// <summary>A formula that sums: within 10⁻⁵.</summary>
    Reduction,
}

/// <summary>What is known about one formula: its page, its evaluation, and how it is tried out.</summary>
/// <remarks>Declared beside the formula's code and collected by hand in <see cref="FormulaIndex"/>.</remarks>
public sealed class Formula
{
    /// <summary>The name by which it is called.</summary>
    public required string Name { get; init; }

    /// <summary>The group of the catalogue.</summary>
    public required string Group { get; init; }

    /// <summary>The formula in one line, in Unicode's linear notation: for terminals and tables.</summary>
    public required string Text { get; init; }

    /// <summary>The formula in LaTeX, one display a line: for pages.</summary>
    /// <remarks>
    /// Of what Markdown leaves alone: no backslash before punctuation, <c>_</c> behind letters and digits alone, <c>\cr</c> for the end of
    /// a row, <c>\lt</c> and <c>\gt</c>.
    /// </remarks>
    public required string Latex { get; init; }

    /// <summary>Inputs and output with their shapes.</summary>
    public required string Shapes { get; init; }

    /// <summary>What the letters stand for, with units, and what bad input gets.</summary>
    public required string Symbols { get; init; }

    /// <summary>Paper and equation.</summary>
    public required string Source { get; init; }

    /// <summary>The gradient in one line, or why there is none.</summary>
    public required string Gradient { get; init; }

    /// <summary>Properties and corrections worth knowing.</summary>
    public string Notes { get; init; } = "";

    /// <summary>Whether evaluations give gradients.</summary>
    public bool IsDifferentiable { get; init; } = true;

    /// <summary>How exact it is.</summary>
    public FormulaKind Kind { get; init; } = FormulaKind.Reduction;

    /// <summary>Inputs and attributes to try it with, see <see cref="FormulaExample"/>.</summary>
    public required string Example { get; init; }

    /// <summary>Computes the output, and the gradients if the call asks for them; throws on an input or attribute that none reads.</summary>
    public required Func<FormulaCall, Values> Evaluate
    {
        get;
        init => field = call =>
        {
            Values output = value(call);
            call.RefuseUnread();
            return output;
        };
    }

    /// <summary>The input to draw as a curve and its range, for a function of one variable.</summary>
    public FormulaPlot? Plot { get; init; }

    /// <summary>Evaluates with inputs by name, without gradients.</summary>
    public Values Run(IReadOnlyDictionary<string, Values> inputs, IReadOnlyDictionary<string, object>? attributes = null) =>
        Evaluate(new FormulaCall(Name, inputs, attributes));

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>What a formula's curve shows.</summary>
/// <param name="Input">The input along the axis.</param>
/// <param name="Low">Where the axis begins.</param>
/// <param name="High">Where it ends.</param>
/// <param name="Attributes">Attributes in the form of <see cref="FormulaExample"/>; the example's without them.</param>
public sealed record FormulaPlot(string Input, double Low, double High, string Attributes = "");
