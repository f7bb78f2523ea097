using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma kto</c>: answers that were judged one by one.</summary>
internal sealed class KtoCommand
{
    private readonly TuningOptions tuning = new("kto", new TrainingOptions
    {
        Steps = 200,
        LearningRate = 2e-4,
        Schedule = new LinearSchedule { Warmup = 20 },
        EvaluateEvery = 50,
    });

    private readonly Option<string?> loss = Choice.Text("--loss", string.Join('|', FeedbackLoss.All.Keys), "What an answer costs");
    private readonly Option<double?> beta = Choice.Number("--beta", "How strongly the model is held to the reference", least: double.Epsilon, fallback: 0.1);
    private readonly Option<double?> goodWeight = Choice.Number("--good-weight", "The weight of good answers", fallback: 1);
    private readonly Option<double?> badWeight = Choice.Number("--bad-weight", "The weight of the others", fallback: 1);
    private readonly Command command = new("kto", "Tune a model on answers that were judged good or bad one by one: KTO.");

    public static Command Build() => new KtoCommand().Create();

    private Command Create()
    {
        loss.DefaultValueFactory = _ => "kto";
        loss.AcceptOnlyFromAmong([.. FeedbackLoss.All.Keys]);
        tuning.AddTo(command, loss, beta, goodWeight, badWeight);
        Examples.Add(command,
            ("right and wrong answers about the built-in stories", "lemma kto --model runs/sft"),
            ("thumbs up and down of your own: prompt, completion, label", "lemma kto --model runs/sft --data thumbs.jsonl --bad-weight 1.5"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        FeedbackLoss chosen = FeedbackLoss.All[request.Parsed.GetValue(loss)!] with
        {
            Beta = request.Parsed.GetValue(beta)!.Value,
            DesirableWeight = request.Parsed.GetValue(goodWeight)!.Value,
            UndesirableWeight = request.Parsed.GetValue(badWeight)!.Value,
        };
        using TunedModel model = new(request);
        (List<TokenFeedback> training, List<TokenFeedback> validation) = TuningData.Read(request,
            StoryTasks.Feedback(request.Seed, request.Told), model.NewEncoder().Encode);
        FeedbackSet learned, judged;
        using (Interruption interruption = new())
        using (ProgressLine line = new("answers read as the reference", 2 * training.Count))
        {
            learned = FeedbackSet.Compute(model.Base, training, model.Workers, request.Rows, line, interruption.Token);
            judged = FeedbackSet.Compute(model.Base, validation, model.Workers, request.Rows, null, interruption.Token);
        }
        Decoder decoder = model.Begin();
        return TuningRun.Run("kto", request, model,
            new FeedbackTuning(decoder, learned, judged, new FeedbackTuningOptions { Loss = chosen, RowsOfPass = request.Rows, Seed = request.Seed }));
    }
}
