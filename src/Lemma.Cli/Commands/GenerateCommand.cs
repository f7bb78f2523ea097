using System.CommandLine;
using System.Diagnostics;
using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Language;
using Lemma.Sequences;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma generate</c>: continues a prompt, token by token.</summary>
internal static class GenerateCommand
{
    public static Command Build()
    {
        Argument<string> model = new("MODEL") { Description = "A model's folder, a run's, a GGUF file, or a checkpoint of llama2.c" };
        Option<string?> prompt = Choice.Text("--prompt", "TEXT", "What to continue, or to answer with an encoder's model; - reads it from standard input", "-p");
        Option<int?> sequences = Choice.Whole("--sequences", "How many texts; of beams, how many of the best are shown", fallback: 1);
        Option<int?> beams = Choice.Whole("--beams", "Search the likeliest text as a whole with so many beams, instead of drawing");
        Option<double?> lengthPenalty = Choice.Number("--length-penalty", "Beams are compared by log-probability/length^X", least: double.MinValue, fallback: 1);
        Option<int?> logProbabilities = Choice.Whole("--log-probabilities", "Tell the log-probability of each token, and the N likeliest beside it", least: 0);
        Option<bool> json = Choice.Flag("--json", "One JSON object a text: prompt, text, ids, the text it stopped at, score or tokens if asked for, seconds");
        Option<CacheFormat?> cacheFormat = Choice.CacheFormat();
        Option<int?> threads = Choice.Threads();
        SamplingOptions sampling = new();
        GuessOption guess = new();
        ConstraintOptions constraint = new();
        Command command = new("generate", "Let a model continue a text.") { model, prompt };
        sampling.AddTo(command);
        guess.AddTo(command);
        constraint.AddTo(command);
        foreach (Option option in (Option[])[sequences, beams, lengthPenalty, logProbabilities, cacheFormat, threads, json])
            command.Add(option);
        Examples.Add(command,
            ("continue a text", "lemma generate runs/book --prompt \"It was a\""),
            ("the likeliest continuation, always the same", "lemma generate runs/book --prompt \"It was a\" --temperature 0"),
            ("three of them, or the best three of six beams", "lemma generate runs/book --prompt \"It was a\" --sequences 3 --beams 6"),
            ("how sure it was, and what else it might have said", "lemma generate runs/book --prompt \"It was a\" --tokens 12 --log-probabilities 3"),
            ("a file that people have, three tokens guessed at once", "lemma generate model-Q4_K_M.gguf --prompt \"It was a\" --guess lookup --guesses 3"),
            ("JSON that validates, whatever the model", "lemma generate model-Q4_K_M.gguf --prompt \"Ann is 30. As JSON: \" --schema person.json"),
            ("one of three answers", "lemma generate model-Q4_K_M.gguf --prompt \"Is it true? \" --choices yes,no,maybe"),
            ("for another program", "echo It was a | lemma generate runs/book --prompt - --json"));
        command.SetAction(parsed =>
        {
            GenerationOptions options = sampling.Read(parsed) with { LogProbabilities = parsed.GetValue(logProbabilities) };
            BeamOptions? search = null;
            int count = parsed.GetValue(sequences)!.Value;
            Choice.RequireBeside(parsed, lengthPenalty, beams);
            if (guess.Given(parsed) is { } guessing && count > 1)
                throw new UsageException($"{guessing}: one text is guessed ahead, but --sequences asks for {count}");
            if (parsed.GetValue(beams) is { } width)
            {
                RefuseBeside(sampling.DrawingOption(parsed) ?? guess.Given(parsed)
                    ?? (options.StopTexts.Count > 0 ? "--stop" : options.LogProbabilities is null ? null : logProbabilities.Name));
                if (count > width)
                    throw new UsageException($"--sequences: {width} beams end in at most as many texts, but {count} were asked for");
                search = new BeamOptions { Beams = width, LengthPenalty = parsed.GetValue(lengthPenalty)!.Value, MaximumTokens = options.MaximumTokens };
            }
            using LanguageModel read = LanguageModel.Load(ModelPath.Find(parsed.GetRequiredValue(model)), parsed.GetValue(threads), parsed.GetValue(cacheFormat));
            using Guesser? guesser = guess.Open(parsed, read);
            Constraint? must = constraint.Read(parsed, read.Tokenizer);
            // What was not given is as this model's makers would have it.
            options = options with { Steps = sampling.Read(parsed, read.Model.Sampling).Steps };
            search = search is null ? null : search with { Constraint = must };
            return Run(read, parsed.GetValue(prompt) ?? "", options with { Speculator = guesser?.Speculator, Constraint = must }, search, count,
                parsed.GetValue(json));
        });
        return command;
    }

    private static void RefuseBeside(string? option)
    {
        if (option is not null)
            throw new UsageException($"{option}: a beam search draws nothing, so it has no meaning beside --beams");
    }

    private static int Run(LanguageModel model, string prompt, GenerationOptions options, BeamOptions? search, int count, bool json)
    {
        using Interruption interruption = new();
        string text = prompt == "-" ? StandardInput.ReadToEnd().TrimEnd('\r', '\n') : prompt;
        if (search is null && count == 1 && options.LogProbabilities is null && !json)
            return Stream(model, text, options, interruption.Token);
        Stopwatch watch = Stopwatch.StartNew();
        IEnumerable<Completion> all = search is null ? model.CompleteSeveral(text, count, options, interruption.Token)
            : model.Search(text, search, interruption.Token).Take(count);
        Completion[] made = [.. all];
        if (json)
            CompletionJson.Write(model, text, made, watch.Elapsed);
        else
            CompletionText.Write(model, Continues(model) ? text : "", made);
        return CommandLine.Done;
    }

    private static int Stream(LanguageModel model, string text, GenerationOptions options, CancellationToken cancellation)
    {
        WordWriter writer = WordWriter.ForConsole();
        try
        {
            if (Continues(model))
                writer.Write(text);
            foreach (string piece in model.Complete(text, options, cancellation))
                writer.Write(piece);
        }
        finally
        {
            // What was said stays on the screen, after Ctrl-C as well.
            writer.EndLine();
        }
        return CommandLine.Done;
    }

    // A model with an encoder answers; its text does not go on from the prompt.
    private static bool Continues(LanguageModel model) => model.Model is Lemma.Models.Decoder;
}
