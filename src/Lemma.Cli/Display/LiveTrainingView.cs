using System.Diagnostics;
using Lemma.Training;
using Spectre.Console;
using Spectre.Console.Rendering;
using DrawnText = Spectre.Console.Text;

namespace Lemma.Cli.Display;

/// <summary>Progress, numbers and a curve that are redrawn in place: for terminals of any width.</summary>
internal sealed class LiveTrainingView(double? entropy, MachineUse use) : ITrainingView
{
    private const int CurveHeight = 5, WidestCurve = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(150);
    private readonly List<double> losses = [];
    private readonly Stopwatch sinceDrawing = Stopwatch.StartNew();
    private Score? score;

    public TrainingResult Show(Func<IProgress<TrainingProgress>, TrainingResult> train)
    {
        TrainingResult? result = null;
        AnsiConsole.Live(new DrawnText("")).Overflow(VerticalOverflow.Crop).Start(live => result = train(new Drawing(this, live)));
        return result!;
    }

    private sealed class Drawing(LiveTrainingView view, LiveDisplayContext live) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            view.losses.Add(value.Loss);
            view.score = value.Score ?? view.score;
            if (view.sinceDrawing.Elapsed < Interval && value.Step > 1 && value.Step < value.Steps && value.Score == null)
                return;
            view.sinceDrawing.Restart();
            live.UpdateTarget(view.Render(value, Terminal.Width));
        }
    }

    private Rows Render(TrainingProgress progress, int width)
    {
        int usable = Math.Max(10, width - 2);
        List<IRenderable> rows = [];
        foreach ((string line, Style? style) in Lines(progress, usable))
            rows.Add(new DrawnText(line.Length > usable ? line[..usable] : line, style));
        return new Rows(rows);
    }

    private IEnumerable<(string Line, Style? Style)> Lines(TrainingProgress progress, int width)
    {
        string place = $"step {progress.Step}/{progress.Steps}  {Amount.Time(progress.Remaining)} left";
        int bar = Math.Clamp(width - place.Length - 2, 0, 40), done = (int)(bar * progress.Step / progress.Steps);
        yield return ($"{place}  {new string('━', done)}{new string('╌', bar - done)}", new Style(Color.Green));
        yield return ($"loss {Amount.Loss(progress.Loss)}{PlainTrainingView.Metrics(progress)}  {Amount.Count(progress.TokensPerSecond)} tokens/s", null);
        if (score is { } judged)
            yield return ($"{ScoreText.Of(judged, entropy)}  best {ScoreText.Number(progress.BestScore ?? judged.Value)}", null);
        yield return ($"learning rate {Amount.LearningRate(progress.LearningRate)}  gradient norm {progress.GradientNorm:0.00}  epoch "
            + $"{progress.Epochs:0.00}", new Style(Color.Grey));
        yield return (use.Line(progress.TokensPerSecond), new Style(Color.Grey));
        foreach (string line in LossCurve.Draw(losses, Math.Min(width, WidestCurve), CurveHeight))
            yield return (line, new Style(Color.Blue));
    }
}
