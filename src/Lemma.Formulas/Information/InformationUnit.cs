namespace Lemma.Formulas;

/// <summary>Bits or nats.</summary>
internal static class InformationUnit
{
    /// <summary>How many of the unit a nat is: 1, or 1/ln 2.</summary>
    public static double Read(FormulaCall call, string formula, string fallback = "bits")
    {
        string unit = call.Word("unit", fallback);
        Check.That(unit is "bits" or "nats", formula, $"the unit must be bits or nats, but it is {unit}");
        return unit == "bits" ? 1 / Math.Log(2) : 1;
    }

    /// <summary>−p·ln p, 0 at p = 0.</summary>
    public static double Term(double p) => p == 0 ? 0 : -p * Math.Log(p);
}
