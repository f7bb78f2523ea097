using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>A training run as the terminal sees it: a few lines about it, the view while it goes, a table at the end.</summary>
internal sealed class TrainingSession
{
    /// <summary>The command that began it, and goes on with it.</summary>
    public required string Command { get; init; }

    public required Recipe Recipe { get; init; }

    public required TrainingOptions Options { get; init; }

    public required Tokenizer Tokenizer { get; init; }

    public required Workers Workers { get; init; }

    public required string Folder { get; init; }

    /// <summary>Lines about data and model.</summary>
    public required IReadOnlyList<string> About { get; init; }

    /// <summary>Writes what else a model's folder has.</summary>
    public Action<string>? Beside { get; init; }

    public AdapterConfig? Adapter { get; init; }

    /// <summary>The true entropy of the data in nats a token, when it is known.</summary>
    public double? Entropy { get; init; }

    /// <summary>The options as given, kept in the checkpoint.</summary>
    public string Run { get; init; } = "{}";

    /// <summary>Trains; the files of an earlier run are removed only when everything that was given has proved right.</summary>
    public TrainingResult Train(bool resume, bool clear)
    {
        TrainingLoop loop = new(Recipe, Options, Workers) { Folder = Folder, Tokenizer = Tokenizer, Run = Run, Beside = Beside, Adapter = Adapter };
        if (clear)
            RunFolder.Clear(Folder);
        foreach (string line in About)
            Console.WriteLine(line);
        Console.WriteLine($"{Workers.Count} {(Workers.Count == 1 ? "thread" : "threads")}; into {Folder}");
        using Interruption interruption = new();
        return ITrainingView.Create(Entropy).Show(progress => loop.Train(resume, progress, interruption.Token));
    }

    public void ShowResult(TrainingResult result, IReadOnlyList<(string Name, string Value)> more)
    {
        List<(string, string)> rows = [("steps", $"{result.Step} of {Options.Steps}")];
        if (result.BestScore is { } best)
            rows.Add(("best score", $"{ScoreText.Number(best)} at step {result.BestStep}"));
        rows.Add(("speed", $"{Amount.Count(result.TokensPerSecond)} tokens/s"));
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

    /// <summary>What a decoder is, in one line.</summary>
    public static string Describe(Decoder decoder) => $"{ModelFolder.FamilyOf(decoder.Config, decoder.Origin)} model of "
        + $"{Amount.Count(decoder.Parameters.Count)} parameters: {decoder.Config.Layers} layers, width {decoder.Config.Width}{Heads(decoder.Config)}, "
        + $"vocabulary {Amount.Count(decoder.Config.VocabularySize)}";

    private static string Heads(DecoderConfig config) => config.Stack.Blocks[0].Mixer switch
    {
        AttentionConfig attention => $", {attention.Heads} heads",
        LatentAttentionConfig latent => $", {latent.Heads} heads",
        _ => "",
    };
}
