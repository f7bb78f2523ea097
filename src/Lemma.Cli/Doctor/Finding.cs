namespace Lemma.Cli.Doctor;

/// <summary>How much a finding matters.</summary>
internal enum Severity
{
    /// <summary>The figures above are not to be trusted.</summary>
    Unsure,

    /// <summary>Lemma is slower than it could be here.</summary>
    Slower,

    /// <summary>Good to know.</summary>
    Note,
}

/// <summary>Something that makes Lemma slower here, or its figures worthless.</summary>
/// <param name="Severity">How much it matters.</param>
/// <param name="Name">A name for programs.</param>
/// <param name="Reason">What was seen.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record Finding(Severity Severity, string Name, string Reason, string Remedy);
