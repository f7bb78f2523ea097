namespace Lemma.Cli.Studies;

/// <summary>A question that is answered by computing: what is computed, and what the numbers do and do not say.</summary>
internal abstract class Study
{
    /// <summary>All studies.</summary>
    public static IReadOnlyList<Study> All { get; } =
        [new ActivationStudy(), new EmergenceStudy(), new ContextStudy(), new ChainStudy(), new RankStudy(), new PositionStudy()];

    /// <summary>The name by which it is called.</summary>
    public abstract string Name { get; }

    /// <summary>The question.</summary>
    public abstract string Question { get; }

    /// <summary>What is computed, in a paragraph.</summary>
    public abstract string Setup { get; }

    /// <summary>What one may conclude from the usual numbers, in a paragraph.</summary>
    public abstract string Conclusion { get; }

    /// <summary>What one may not, in a paragraph.</summary>
    public abstract string Limits { get; }

    /// <summary>What is shown, in order.</summary>
    public abstract IReadOnlyList<StudyChart> Charts { get; }

    /// <summary>Steps of each training; 0 where nothing is trained.</summary>
    public virtual int Steps => 0;

    /// <summary>Models that are trained.</summary>
    public virtual int Trainings => 0;

    /// <summary>The study of a name, if there is one.</summary>
    public static Study? Find(string name) => All.FirstOrDefault(study => study.Name == name);

    /// <summary>The rows of each chart's table, as they are shown.</summary>
    public StudyTable[] Compute(StudyRun run)
    {
        IReadOnlyList<IReadOnlyList<double[]>> rows = Run(run);
        return [.. Charts.Zip(rows, (chart, own) => new StudyTable(chart, [.. own.Select(row => row.Select(StudyTable.Round).ToArray())]))];
    }

    /// <summary>Computes the rows of each chart, the same on every machine.</summary>
    protected abstract IReadOnlyList<IReadOnlyList<double[]>> Run(StudyRun run);
}
