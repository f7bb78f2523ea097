namespace Lemma.Cli.Studies;

/// <summary>A question that is answered by computing: a page beside those of the formulas.</summary>
/// <param name="Name">The name by which it is called.</param>
/// <param name="Title">The question.</param>
/// <param name="Run">Computes the answer, the same on every machine.</param>
internal sealed record Study(string Name, string Title, Func<StudyResult> Run)
{
    /// <summary>All studies.</summary>
    public static IReadOnlyList<Study> All { get; } = [ActivationStudy.Definition, EmergenceStudy.Definition];

    /// <summary>The study of a name, if there is one.</summary>
    public static Study? Find(string name) => All.FirstOrDefault(study => study.Name == name);
}

/// <summary>What a study found.</summary>
/// <param name="Method">What was computed, in a paragraph.</param>
/// <param name="Tables">The numbers.</param>
/// <param name="Reading">How to read them, in a paragraph.</param>
internal sealed record StudyResult(string Method, IReadOnlyList<StudyTable> Tables, string Reading);

/// <summary>Rows of numbers; the first column is the axis of the chart, <paramref name="Drawn"/> are its lines.</summary>
/// <param name="Title">What the numbers are.</param>
/// <param name="Columns">Names of the columns, the axis first.</param>
/// <param name="Rows">The numbers.</param>
/// <param name="Drawn">The columns that the chart shows, all between 0 and 1.</param>
internal sealed record StudyTable(string Title, string[] Columns, IReadOnlyList<double[]> Rows, int[] Drawn);
