using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Doctor;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Models;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma doctor</c>: what this machine is and reaches, and what would be faster.</summary>
internal static class DoctorCommand
{
    public static Command Build()
    {
        Argument<string?> model = new("MODEL")
        {
            Description = $"Also measure decoding of a model's folder, a run's, a GGUF file, or a preset ({string.Join(", ", Presets.Names)})",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<int?> threads = Choice.Threads();
        Option<bool> json = Choice.Flag("--json", "Write one object of JSON");
        Command command = new("doctor", "Say what this machine reaches, and what would make Lemma faster on it.") { model, threads, json };
        Examples.Add(command,
            ("instructions, peak, memory, and what would be faster", "lemma doctor"),
            ("how near a model is to what memory allows", "lemma doctor model-Q8_0.gguf"),
            ("on one thread, for another program", "lemma doctor runs/book --threads 1 --json"));
        command.SetAction(parsed => Run(parsed.GetValue(model), parsed.GetValue(threads), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string? model, int? threads, bool json)
    {
        SystemFiles files = new("/");
        Machine machine = MachineReader.Read(threads, files, Environment.GetEnvironmentVariables());
        using StepLine progress = new();
        using Workers workers = new(threads);
        Measured measured = Measured.Measure(workers, files, progress);
        ModelSpeed? speed = model is null ? null : ModelSpeed.Measure(model, workers, measured.All, progress);
        progress.Dispose();
        Diagnosis diagnosis = new(machine with { NotKnown = [.. files.NotKnown.Distinct()] }, measured, speed);
        if (json)
            DoctorJson.Write(diagnosis);
        else
            DoctorText.Write(Console.Out, diagnosis);
        return CommandLine.Done;
    }
}
