using Lemma.Compute;
using Lemma.Planning;

namespace Lemma.Cli.Doctor;

/// <summary>What was measured of a machine.</summary>
/// <param name="One">With one thread.</param>
/// <param name="All">With all threads in use; the same where that is one.</param>
/// <param name="Others">What others took meanwhile; null where the system does not tell.</param>
internal sealed record Measured(MachineRates One, MachineRates All, OtherWork? Others)
{
    /// <summary>How many times one thread's rate all threads reach.</summary>
    public double Scale(Func<MachineRates, double> of) => of(All) / of(One);

    public static Measured Measure(Workers workers, SystemFiles files, IProgress<string> progress)
    {
        OtherWork.Moment? before = OperatingSystem.IsLinux() ? OtherWork.Now(files) : null;
        progress.Report("one thread");
        MachineRates one;
        using (Workers single = new(1))
            one = MachineRates.Measure(single);
        MachineRates all = one;
        if (workers.Count > 1)
        {
            progress.Report($"{workers.Count} threads");
            all = MachineRates.Measure(workers);
        }
        return new Measured(one, all, OtherWork.Between(before, before is null ? null : OtherWork.Now(files)));
    }
}
