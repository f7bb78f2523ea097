namespace Lemma.Cli.Doctor;

/// <summary>All that <c>lemma doctor</c> says.</summary>
/// <param name="Machine">What the process runs on.</param>
/// <param name="Measured">What was measured of it.</param>
/// <param name="Model">What was measured of a model, if one was given.</param>
internal sealed record Diagnosis(Machine Machine, Measured Measured, ModelSpeed? Model)
{
    /// <summary>What would be faster, what matters most first.</summary>
    public IReadOnlyList<Finding> Findings { get; } =
        [.. MachineFindings.Of(Machine, Measured).Concat(Model is null ? [] : ModelFindings.Of(Machine, Model)).OrderBy(finding => finding.Severity)];
}
