using System.CommandLine;
using System.Net;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Sequences;
using Lemma.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma serve</c>: models over HTTP, by the APIs of OpenAI, Ollama and Anthropic.</summary>
internal static class ServeCommand
{
    private const string KeysVariable = "LEMMA_API_KEYS";

    public static Command Build()
    {
        Argument<string[]> models = new("MODEL")
        {
            Description = "Models' folders, runs', GGUF files, or checkpoints of llama2.c; NAME=PATH gives a name",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string[]> embeddings = new("--embeddings") { HelpName = "MODEL", Description = "A model that makes vectors of texts; may be given several times" },
            aliases = new("--alias") { HelpName = "NAME=MODEL", Description = "A further name for a model that is served; may be given several times" },
            adapters = new("--lora")
            {
                HelpName = "NAME=FOLDER",
                Description = "An adapter of the first model, as PEFT writes it, by a name that requests ask for; may be given several times",
            },
            origins = new("--cors")
            {
                HelpName = "ORIGIN",
                Description = "An origin whose pages may ask, such as https://example.org, or *; may be given several times",
            };
        Option<string?> host = Choice.Text("--host", "ADDRESS", "The address to listen at; 127.0.0.1 unless it is given: this machine alone"),
            keyFile = Choice.Text("--key-file", "FILE",
                $"A file whose lines are keys, of which a request must bring one; {KeysVariable} has them too, parted by commas");
        Option<int?> port = Choice.Whole("--port", "The port; 0 for any that is free", least: 0, fallback: 8080),
            sequences = Choice.Whole("--sequences", "The most texts that go on together", fallback: 64),
            queue = Choice.Whole("--queue", "The most requests that wait; one more is told to come back", fallback: 1024),
            promptRows = Choice.Whole("--prompt-rows", "The most rows of prompts that a pass reads beside running texts", fallback: 256),
            stateMegabytes = Choice.Whole("--state-mb", "Megabytes for keys and values; a quarter of the memory unless it is given"),
            modelMegabytes = Choice.Whole("--memory-mb", "Megabytes for models, by their files: each is read when it is asked for, and others make room"),
            requests = Choice.Whole("--requests-per-minute", "Requests that a key may send a minute"),
            tokens = Choice.Whole("--tokens-per-minute", "Tokens, read and made, that a key may take a minute"),
            timeout = Choice.Whole("--timeout", "The most seconds of a request"),
            bodyMegabytes = Choice.Whole("--body-mb", "The most megabytes of a request's body", most: 2000, fallback: 16),
            drain = Choice.Whole("--drain", "Seconds that running requests have when the server is told to end", least: 0, fallback: 60);
        Option<CacheFormat?> cacheFormat = Choice.CacheFormat();
        Option<int?> threads = Choice.Threads();
        Option<bool> log = Choice.Flag("--log", "Write a line for each request, without its text"),
            logBodies = Choice.Flag("--log-bodies", "Write what requests say too"),
            noPage = Choice.Flag("--no-page", "Have no page to chat with at /");
        Command command = new("serve", "Serve models over HTTP, by the APIs of OpenAI, Ollama and Anthropic, with a page to chat at /.")
        {
            models, embeddings, aliases, adapters, host, port, keyFile, requests, tokens, timeout, bodyMegabytes, origins, sequences, queue, promptRows,
            stateMegabytes, modelMegabytes, drain, log, logBodies, noPage, cacheFormat, threads,
        };
        Examples.Add(command,
            ("the model of the quickstart, for programs on this machine", "lemma serve runs/quickstart"),
            ("two models by names of their own, and one for vectors", "lemma serve small=models/a.gguf large=models/b --embeddings all-minilm-l6-v2"),
            ("for other machines, with keys", "LEMMA_API_KEYS=secret lemma serve models/assistant --host 0.0.0.0"),
            ("many models in little memory, each read when it is asked for", "lemma serve models/a models/b models/c --memory-mb 4000 --alias gpt-4o-mini=a"),
            ("one model with two adapters: requests for \"legal\" and \"support\" share its weights, and a batch",
                "lemma serve models/assistant --lora legal=runs/legal/best --lora support=runs/support/best"),
            ("limits for each key, and a web page elsewhere that may ask",
                "lemma serve models/assistant --key-file keys.txt --requests-per-minute 60 --tokens-per-minute 100000 --timeout 120 --cors https://example.org"),
            ("ask it", "curl http://127.0.0.1:8080/v1/completions -H \"Content-Type: application/json\" -d '{\"model\": \"quickstart\", \"prompt\": \"It was\"}'"));
        command.SetAction(parsed =>
        {
            string[] written = parsed.GetValue(models) ?? [], embedded = parsed.GetValue(embeddings) ?? [];
            if (written.Length + embedded.Length == 0)
                throw new UsageException("serve: there is no model");
            string address = parsed.GetValue(host) ?? "127.0.0.1";
            if (!IPAddress.TryParse(address, out IPAddress? listened))
                throw new UsageException($"--host: '{address}' is no address, such as 127.0.0.1 or ::1");
            string[] keys = Keys(parsed.GetValue(keyFile));
            Run(options =>
            {
                ServedModel[] served =
                [
                    .. written.Select(static model => Named(model, isEmbedding: false)),
                    .. embedded.Select(static model => Named(model, isEmbedding: true)),
                ];
                served = WithAdapters(served, parsed.GetValue(adapters) ?? []);
                foreach (ServedModel model in WithAliases(served, parsed.GetValue(aliases) ?? []))
                    options.Models.Add(model);
                foreach (string origin in parsed.GetValue(origins) ?? [])
                    options.Origins.Add(origin);
                (options.RequestsPerMinute, options.TokensPerMinute) = (parsed.GetValue(requests), parsed.GetValue(tokens));
                options.MostTime = parsed.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
                options.ModelBytes = parsed.GetValue(modelMegabytes) is { } forModels ? forModels * 1_000_000L : null;
                options.MaximumBodyBytes = parsed.GetValue(bodyMegabytes)!.Value * 1_048_576L;
                (options.LogsBodies, options.HasPage) = (parsed.GetValue(logBodies), !parsed.GetValue(noPage));
                foreach (string key in keys)
                    options.ApiKeys.Add(key);
                (options.Threads, options.CacheFormat) = (parsed.GetValue(threads), parsed.GetValue(cacheFormat));
                options.Batching = new BatcherOptions
                {
                    MostSequences = parsed.GetValue(sequences)!.Value,
                    MostWaiting = parsed.GetValue(queue)!.Value,
                    PromptRows = parsed.GetValue(promptRows)!.Value,
                    StateBytes = parsed.GetValue(stateMegabytes) is { } megabytes ? megabytes * 1_000_000L : null,
                };
            }, listened, parsed.GetValue(port)!.Value, keys.Length > 0, parsed.GetValue(drain)!.Value, parsed.GetValue(log) || parsed.GetValue(logBodies));
            return CommandLine.Done;
        });
        return command;
    }

    private static ServedModel Named(string argument, bool isEmbedding)
    {
        int at = argument.IndexOf('=', StringComparison.Ordinal);
        // A path may have the sign too.
        bool hasName = at > 0 && !Path.Exists(argument);
        string path = hasName ? argument[(at + 1)..] : argument;
        ServedModel model = ServedModel.Of(path) with { Path = ModelPath.Find(path), IsEmbedding = isEmbedding };
        return hasName ? model with { Name = argument[..at] } : model;
    }

    private static IEnumerable<ServedModel> WithAliases(ServedModel[] models, string[] aliases)
    {
        (string Name, string Of)[] pairs = Pairs("--alias", "NAME=MODEL", aliases);
        foreach ((string name, string of) in pairs)
        {
            if (!models.Any(model => model.Name == of))
            {
                string known = string.Join(", ", models.Select(static model => model.Name));
                throw new UsageException($"--alias: '{name}' is to be a name of '{of}', but no model is called so; there are: {known}");
            }
        }
        return models.Select(model => model with { Aliases = [.. pairs.Where(pair => pair.Of == model.Name).Select(static pair => pair.Name)] });
    }

    private static ServedModel[] WithAdapters(ServedModel[] models, string[] adapters)
    {
        (string Name, string Folder)[] pairs = Pairs("--lora", "NAME=FOLDER", adapters);
        if (pairs.Length == 0)
            return models;
        if (models[0].IsEmbedding)
            throw new UsageException("--lora: an adapter changes the first model that writes, and there is none");
        if (pairs.GroupBy(static pair => pair.Name).FirstOrDefault(static alike => alike.Count() > 1) is { Key: var twice })
            throw new UsageException($"--lora: two adapters are called '{twice}'");
        return [models[0] with { Adapters = pairs.ToDictionary(static pair => pair.Name, static pair => pair.Folder) }, .. models[1..]];
    }

    private static (string, string)[] Pairs(string option, string form, string[] given) =>
        [.. given.Select(one => one.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } of] ? (name, of)
            : throw new UsageException($"{option}: '{one}' is not {form}"))];

    private static string[] Keys(string? file)
    {
        const StringSplitOptions trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        string[] own = file is null ? [] : File.ReadAllText(file).Split('\n', trimmed);
        if (file is not null && own.Length == 0)
            throw new UsageException($"--key-file: there is no key in '{file}'");
        return [.. own, .. (Environment.GetEnvironmentVariable(KeysVariable) ?? "").Split(',', trimmed)];
    }

    private static void Run(Action<LemmaServerOptions> configure, IPAddress address, int port, bool hasKeys, int drain, bool logs)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        if (logs)
            builder.Logging.AddFilter("Lemma.Server", LogLevel.Information);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address, port));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(drain));
        builder.Services.AddLemmaServer(configure);
        using WebApplication app = builder.Build();
        app.MapLemma();
        if (!IPAddress.IsLoopback(address) && !hasKeys)
        {
            Console.Error.WriteLine($"serve: {address} is seen by other machines, and there are no keys: anybody who reaches it may use the models "
                + $"(--key-file, {KeysVariable})");
        }
        app.Start();
        foreach (string url in app.Urls)
            Console.WriteLine($"serve: listening at {url}");
        app.WaitForShutdown();
    }
}
