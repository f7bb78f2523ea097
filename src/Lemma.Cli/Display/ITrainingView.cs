using Lemma.Training;

namespace Lemma.Cli.Display;

/// <summary>Shows a run while it goes.</summary>
internal interface ITrainingView
{
    /// <summary>Runs the training and shows what it reports.</summary>
    TrainingResult Show(Func<IProgress<TrainingProgress>, TrainingResult> train);

    /// <summary>The view for this output; the entropy, in nats a token, is what the validation loss can sink to.</summary>
    static ITrainingView Create(double? entropy, MachineUse use) =>
        Terminal.IsInteractive ? new LiveTrainingView(entropy, use) : new PlainTrainingView(Console.Out, TimeSpan.FromSeconds(10), entropy);
}
