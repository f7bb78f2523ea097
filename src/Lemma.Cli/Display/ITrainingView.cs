using Lemma.Training;

namespace Lemma.Cli.Display;

/// <summary>Shows a run while it goes.</summary>
internal interface ITrainingView
{
    /// <summary>Runs the training and shows what it reports.</summary>
    TrainingResult Show(Func<IProgress<TrainingProgress>, TrainingResult> train);

    static ITrainingView Create() => Terminal.IsInteractive ? new LiveTrainingView() : new PlainTrainingView(Console.Out, TimeSpan.FromSeconds(10));
}
