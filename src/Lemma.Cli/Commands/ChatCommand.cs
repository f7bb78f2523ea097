using System.CommandLine;
using Lemma.Cli.Chat;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Models;
using Lemma.Sequences;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma chat</c>: a conversation in the terminal.</summary>
internal static class ChatCommand
{
    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, a run's, a GGUF file, or a checkpoint of llama2.c" };
        Option<string?> system = Choice.Text("--system", "TEXT", "What the model is told first, where it has a chat template");
        Option<CacheFormat?> cacheFormat = Choice.CacheFormat();
        Option<int?> threads = Choice.Threads();
        SamplingOptions sampling = new();
        GuessOption guess = new();
        ConstraintOptions constraint = new();
        Command command = new("chat", "Talk to a model in the terminal, by its chat template where it has one.") { model, system };
        sampling.AddTo(command);
        guess.AddTo(command);
        constraint.AddTo(command);
        command.Add(cacheFormat);
        command.Add(threads);
        Examples.Add(command,
            ("talk to the model of the quickstart", "lemma chat runs/quickstart"),
            ("more freely, in short pieces", "lemma chat runs/quickstart --temperature 1 --tokens 60"),
            ("a model with a chat template, told what to be", "lemma chat models/assistant --system \"Answer in one sentence.\""),
            ("answers that are JSON of a schema", "lemma chat models/assistant --schema answer.json"),
            ("lines from another program, an answer each", "lemma chat models/assistant < questions.txt"));
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(model);
            // Options that do not go together are told before the model is read, whose own numbers then stand where none is given.
            _ = sampling.Read(parsed);
            using LanguageModel read = LanguageModel.Load(ModelPath.Find(path), parsed.GetValue(threads), parsed.GetValue(cacheFormat));
            using Guesser? guesser = guess.Open(parsed, read);
            return Run(read, path, parsed.GetValue(system), sampling.Read(parsed, read.Model.Sampling) with
            {
                Speculator = guesser?.Speculator,
                Constraint = constraint.Read(parsed, read.Tokenizer),
            });
        });
        return command;
    }

    private static int Run(LanguageModel model, string path, string? system, GenerationOptions options)
    {
        if (model.Model is not Decoder decoder)
            throw new InvalidDataException($"the model in '{path}' reads a source with an encoder and answers it; lemma generate shows its answer");
        if (system is not null && model.Template is null)
            throw new UsageException("--system: this model has no chat template, so it is told nothing first");
        using IChatPartner partner = model.Template is null ? new DraftPartner(model, options) : new TemplatePartner(model, options, system);
        LineEditor? editor = Terminal.IsInteractive && !Console.IsInputRedirected ? LineEditor.ForConsole() : null;
        new ChatLoop(partner, decoder.MaximumLength, editor is null ? StandardInput.ReadLine : () => editor.Read("> ")).Run();
        return CommandLine.Done;
    }
}
