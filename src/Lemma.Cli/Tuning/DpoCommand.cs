using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary><c>lemma dpo</c>: pairs of answers of which one is preferred, by DPO or one of its kin.</summary>
internal sealed class DpoCommand
{
    private readonly TuningOptions tuning = new("dpo", new TrainingOptions
    {
        Steps = 200,
        LearningRate = 1e-4,
        Schedule = new LinearSchedule { Warmup = 20, Minimum = 0.1 },
        EvaluateEvery = 50,
    }, hasLists: true);

    private readonly Option<string?> loss = Choice.Text("--loss", "NAME", $"What a pair costs: {string.Join(", ", PreferenceLoss.All.Keys)}");
    private readonly Option<double?> beta = Choice.Number("--beta", "How strongly the model is held to the reference; the loss's own number without it",
        least: double.Epsilon);
    private readonly Option<double?> smoothing = Choice.Number("--label-smoothing", "How likely a label is the wrong way round, of the losses that know it",
        below: 0.5);
    private readonly Option<double?> alpha = Choice.Number("--alpha", "α of dpo_alpha, 0.5 without it: towards 0 the divergence of dpo, at 1 that of "
        + "dpo_forward_kl", least: double.Epsilon);
    private readonly Command command = new("dpo", "Tune a model on pairs of answers, one of which is preferred: DPO and its kin.");

    public static Command Build() => new DpoCommand().Create();

    private Command Create()
    {
        loss.DefaultValueFactory = _ => "dpo";
        loss.AcceptOnlyFromAmong([.. PreferenceLoss.All.Keys]);
        tuning.AddTo(command, loss, beta, smoothing, alpha);
        Examples.Add(command,
            ("right answers about the built-in stories rather than wrong ones", "lemma dpo --model runs/sft"),
            ("pairs of your own, with another loss", "lemma dpo --model runs/sft --data pairs.jsonl --loss ipo --beta 0.2"),
            ("an adapter; the model without it is the reference", "lemma dpo --model runs/sft --lora 16"));
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        TuningRequest request = tuning.Read(command, parsed);
        PreferenceLoss chosen = Choose(request.Parsed);
        using TunedModel model = new(request);
        (List<TokenPair> training, List<TokenPair> validation) = TuningData.Read(request, request.Preferences, model.NewEncoder().Encode);
        (PairSet learned, PairSet judged) = (new(training), new(validation));
        if (chosen.NeedsReference)
        {
            using Interruption interruption = new();
            using ProgressLine line = new("pairs read as the reference", training.Count);
            learned = learned with { Reference = ReferenceLogs.Compute(model.Base, training, model.Workers, request.Rows, line, interruption.Token) };
            judged = judged with { Reference = ReferenceLogs.Compute(model.Base, validation, model.Workers, request.Rows, null, interruption.Token) };
        }
        Decoder decoder = model.Begin();
        PreferenceTuning recipe = new(decoder, learned, judged, new PreferenceTuningOptions { Loss = chosen, RowsOfPass = request.Rows, Seed = request.Seed });
        return TuningRun.Run("dpo", request, model, recipe);
    }

    private PreferenceLoss Choose(ParseResult parsed)
    {
        PreferenceLoss chosen = PreferenceLoss.All[parsed.GetValue(loss)!];
        if (parsed.GetValue(beta) is { } strength)
        {
            chosen = chosen switch
            {
                ReferencedPreferenceLoss own => own with { Beta = strength },
                _ => throw new UsageException($"--beta: it is the number of losses that compare with a reference, but {chosen.Name} does not"),
            };
        }
        if (parsed.GetValue(smoothing) is { } share)
        {
            chosen = chosen is SmoothedPreferenceLoss own ? own with { LabelSmoothing = share }
                : throw new UsageException($"--label-smoothing: {chosen.Name} does not know it");
        }
        if (parsed.GetValue(alpha) is { } degree)
        {
            chosen = chosen is DivergencePreferenceLoss { Divergence: PreferenceDivergence.Alpha } own ? own with { Alpha = degree }
                : throw new UsageException($"--alpha: it is a number of dpo_alpha, but the loss is {chosen.Name}");
        }
        chosen.Validate();
        return chosen;
    }
}
