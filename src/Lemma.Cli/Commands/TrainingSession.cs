using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Cli.Runs;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>A training run as the terminal sees it: a few lines about it, the view while it goes, a table at the end.</summary>
internal sealed class TrainingSession
{
    private MachineUse? use;

    /// <summary>The command that began it, and goes on with it.</summary>
    public required string Command { get; init; }

    public required Recipe Recipe { get; init; }

    public required TrainingOptions Options { get; init; }

    public required Tokenizer Tokenizer { get; init; }

    public required Workers Workers { get; init; }

    public required string Folder { get; init; }

    /// <summary>Lines about data and model.</summary>
    public required IReadOnlyList<string> About { get; init; }

    /// <summary>What the data are.</summary>
    public required DataFingerprint Data { get; init; }

    /// <summary>Writes what else a model's folder has.</summary>
    public Action<string>? Beside { get; init; }

    public AdapterConfig? Adapter { get; init; }

    /// <summary>The true entropy of the data in nats a token, when it is known.</summary>
    public double? Entropy { get; init; }

    /// <summary>The options as given, kept in the checkpoint and in the folder; null where the command has no others than its own.</summary>
    public SortedDictionary<string, string[]>? Given { get; init; }

    private string OptionsJson => Given is null ? "{}" : RunArguments.ToJson(Given);

    private MachineUse Use => use ??= new MachineUse(MachineUse.Operations(Recipe), PeakRate.Measure(Workers));

    /// <summary>Trains; the files of an earlier run are removed only when everything that was given has proved right.</summary>
    public TrainingResult Train(bool resume, bool clear)
    {
        TrainingLoop loop = new(Recipe, Options, Workers)
        {
            Folder = Folder,
            Tokenizer = Tokenizer,
            Run = OptionsJson,
            Beside = Beside,
            Adapter = Adapter,
        };
        RunRecord? before = resume ? RunRecord.Read(Folder) : null;
        before?.RequireSame(Data, Folder);
        if (clear)
            RunFolder.Clear(Folder);
        Record(before, resume);
        foreach (string line in About)
            Console.WriteLine(line);
        Console.WriteLine($"{Workers.Count} {(Workers.Count == 1 ? "thread" : "threads")}; into {Folder}");
        using Interruption interruption = new();
        return ITrainingView.Create(Entropy, Use).Show(progress => loop.Train(resume, progress, interruption.Token));
    }

    /// <summary>Says what the run would take.</summary>
    /// <param name="share">The share of the data that the recipe has.</param>
    public int ShowPlan(double share = 1)
    {
        foreach (string line in About)
            Console.WriteLine(line);
        TrainingPlan plan = TrainingPlan.Measure(Recipe, Options, Workers);
        PlanTable.Write(plan with { Epochs = plan.Epochs * share }, Use);
        return CommandLine.Done;
    }

    public void ShowResult(TrainingResult result, IReadOnlyList<(string Name, string Value)> more)
    {
        List<(string, string)> rows = [("steps", $"{result.Step} of {Options.Steps}")];
        if (result.BestScore is { } best)
            rows.Add(("best score", $"{ScoreText.Number(best)} at step {result.BestStep}"));
        rows.Add(("speed", $"{Amount.Count(result.TokensPerSecond)} tokens/s, {Amount.Percent(Use.Share(result.TokensPerSecond))} of the processor's peak"));
        rows.Add(("memory", MachineUse.MostMemory));
        rows.Add(("time", Amount.Time(result.Elapsed)));
        rows.Add((Adapter is null ? "model" : "adapter", Path.Combine(Folder, result.BestStep == null ? "last" : "best")));
        rows.AddRange(more);
        ResultTable.Write(result.End switch
        {
            TrainingEnd.Finished => "Training is done.",
            TrainingEnd.Patience => "Training stopped: the score no longer gets better.",
            _ => $"Interrupted; everything is saved. Go on with: lemma {Command} --resume --out {Folder}",
        }, rows);
    }

    /// <summary>What a model is, in one line.</summary>
    public static string Describe(Model model) => model switch
    {
        Decoder decoder => Describe(decoder, decoder.Config, decoder.Config.Stack, $"{decoder.Config.Layers} layers"),
        Encoder encoder => Describe(encoder, encoder.Config, encoder.Config.Stack, $"{encoder.Config.Stack.Blocks.Count} layers"),
        EncoderDecoder both => Describe(both, both.Config, both.Config.Encoder, $"{both.Config.Encoder.Blocks.Count} and {both.Config.Decoder.Blocks.Count} layers"),
        _ => throw new ArgumentOutOfRangeException(nameof(model), model.GetType().Name, null),
    };

    private static string Describe(Model model, ModelConfig config, StackConfig stack, string layers) =>
        $"{ModelFolder.FamilyOf(config, model.Origin)} model of {Amount.Count(model.Parameters.Count)} parameters: {layers}, width {stack.Embedding.Width}"
        + $"{Heads(stack)}, vocabulary {Amount.Count(config.VocabularySize)}";

    private static string Heads(StackConfig stack) => stack.Blocks[0].Mixer switch
    {
        AttentionConfig attention => $", {attention.Heads} heads",
        LatentAttentionConfig latent => $", {latent.Heads} heads",
        _ => "",
    };

    private void Record(RunRecord? before, bool resume)
    {
        long step = resume ? TrainingState.Read(Path.Combine(Folder, "last")).Step : 0;
        DateTime now = DateTime.UtcNow;
        string process = RunRecord.DescribeProcess(step, Workers.Count, now);
        RunRecord record = before is null ? new RunRecord
        {
            Command = Command,
            Parameters = Recipe.Model.Parameters.Count,
            Trained = Recipe.Learning.All.Where(parameter => parameter.Learns).Sum(parameter => parameter.Count),
            Data = (Data.Examples, Data.Hash),
            Options = OptionsJson,
            Processes = [process],
            Began = now,
        } : before with { Processes = [.. before.Processes, process] };
        record.Write(Folder);
        if (Given is not null)
            OptionsFile.Write(Folder, Command, Given);
    }
}
