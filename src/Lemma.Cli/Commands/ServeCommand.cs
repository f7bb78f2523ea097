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
        Option<string[]> embeddings = new("--embeddings") { HelpName = "MODEL", Description = "A model that makes vectors of texts; may be given several times" };
        Option<string?> host = Choice.Text("--host", "ADDRESS", "The address to listen at; 127.0.0.1 unless it is given: this machine alone"),
            keyFile = Choice.Text("--key-file", "FILE",
                $"A file whose lines are keys, of which a request must bring one; {KeysVariable} has them too, parted by commas");
        Option<int?> port = Choice.Whole("--port", "The port; 0 for any that is free", least: 0, fallback: 8080),
            sequences = Choice.Whole("--sequences", "The most texts that go on together", fallback: 64),
            queue = Choice.Whole("--queue", "The most requests that wait; one more is told to come back", fallback: 1024),
            promptRows = Choice.Whole("--prompt-rows", "The most rows of prompts that a pass reads beside running texts", fallback: 256),
            stateMegabytes = Choice.Whole("--state-mb", "Megabytes for keys and values; a quarter of the memory unless it is given"),
            drain = Choice.Whole("--drain", "Seconds that running requests have when the server is told to end", least: 0, fallback: 60);
        Option<CacheFormat?> cacheFormat = Choice.CacheFormat();
        Option<int?> threads = Choice.Threads();
        Command command = new("serve", "Serve models over HTTP, by the APIs of OpenAI, Ollama and Anthropic.")
        {
            models, embeddings, host, port, keyFile, sequences, queue, promptRows, stateMegabytes, drain, cacheFormat, threads,
        };
        Examples.Add(command,
            ("the model of the quickstart, for programs on this machine", "lemma serve runs/quickstart"),
            ("two models by names of their own, and one for vectors", "lemma serve small=models/a.gguf large=models/b --embeddings all-minilm-l6-v2"),
            ("for other machines, with keys", "LEMMA_API_KEYS=secret lemma serve models/assistant --host 0.0.0.0"),
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
                foreach (string model in written)
                    options.Models.Add(Named(model, isEmbedding: false));
                foreach (string model in embedded)
                    options.Models.Add(Named(model, isEmbedding: true));
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
            }, listened, parsed.GetValue(port)!.Value, keys.Length > 0, parsed.GetValue(drain)!.Value);
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

    private static string[] Keys(string? file)
    {
        const StringSplitOptions trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        string[] own = file is null ? [] : File.ReadAllText(file).Split('\n', trimmed);
        if (file is not null && own.Length == 0)
            throw new UsageException($"--key-file: there is no key in '{file}'");
        return [.. own, .. (Environment.GetEnvironmentVariable(KeysVariable) ?? "").Split(',', trimmed)];
    }

    private static void Run(Action<LemmaServerOptions> configure, IPAddress address, int port, bool hasKeys, int drain)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
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
