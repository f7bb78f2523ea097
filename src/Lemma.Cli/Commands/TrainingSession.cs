using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>A training run as the terminal sees it: two lines about it, the view while it goes, a table at the end.</summary>
internal sealed class TrainingSession
{
    public required DecoderConfig Config { get; init; }

    /// <summary>The family of the files that the config came from; null where it is a preset.</summary>
    public string? Origin { get; init; }

    public required TrainingOptions Options { get; init; }

    public required PretrainingOptions Reading { get; init; }

    public required Tokenizer Tokenizer { get; init; }

    public required TokenDataset Training { get; init; }

    public required TokenDataset Validation { get; init; }

    public required string Folder { get; init; }

    public int? Threads { get; init; }

    /// <summary>The true entropy of the data in nats a token, when it is known.</summary>
    public double? Entropy { get; init; }

    /// <summary>The options as given, kept in the checkpoint.</summary>
    public string Run { get; init; } = "{}";

    /// <summary>Trains; the files of an earlier run are removed only when everything that was given has proved right.</summary>
    public TrainingResult Train(bool resume, bool clear)
    {
        using Workers workers = new(Threads);
        using Decoder decoder = resume ? ModelFolder.ReadDecoder(Path.Combine(Folder, "last"), Config.Dropout) : new Decoder(Config) { Origin = Origin };
        if (!resume)
            decoder.Initialize(Options.Seed);
        TrainingLoop loop = new(new Pretraining(decoder, Training, Validation, Reading), Options, workers) { Folder = Folder, Tokenizer = Tokenizer, Run = Run };
        if (clear)
            RunFolder.Clear(Folder);
        Console.WriteLine($"{ModelFolder.FamilyOf(Config, decoder.Origin)} model of {Amount.Count(decoder.Parameters.Count)} parameters: {Config.Layers} layers, "
            + $"width {Config.Width}{Heads(Config)}, vocabulary {Amount.Count(Config.VocabularySize)}, length "
                + $"{Reading.Length}");
        Console.WriteLine($"{Amount.Count(Training.Count)} tokens to learn from, {Amount.Count(Validation.Count)} to judge by; "
            + $"{workers.Count} {(workers.Count == 1 ? "thread" : "threads")}; into {Folder}");
        using Interruption interruption = new();
        return ITrainingView.Create(Entropy).Show(progress => loop.Train(resume, progress, interruption.Token));
    }

    public void ShowResult(TrainingResult result, IReadOnlyList<(string Name, string Value)> more)
    {
        List<(string, string)> rows = [("steps", $"{result.Step} of {Options.Steps}")];
        if (result.BestScore is { } best)
        {
            rows.Add(("validation loss", $"{Amount.Loss(best)} nats a token (perplexity {Amount.Perplexity(best)}), "
                + $"best at step {result.BestStep}"));
        }
        rows.Add(("speed", $"{Amount.Count(result.TokensPerSecond)} tokens/s"));
        rows.Add(("time", Amount.Time(result.Elapsed)));
        rows.Add(("model", Path.Combine(Folder, result.BestStep == null ? "last" : "best")));
        rows.AddRange(more);
        ResultTable.Write(result.End switch
        {
            TrainingEnd.Finished => "Training is done.",
            TrainingEnd.Patience => "Training stopped: the validation loss no longer falls.",
            _ => $"Interrupted; everything is saved. Go on with: lemma train --resume --out {Folder}",
        }, rows);
    }

    private static string Heads(DecoderConfig config) => config.Stack.Blocks[0].Mixer switch
    {
        AttentionConfig attention => $", {attention.Heads} heads",
        LatentAttentionConfig latent => $", {latent.Heads} heads",
        _ => "",
    };
}
