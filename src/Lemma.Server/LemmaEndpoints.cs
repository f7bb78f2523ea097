using Lemma.Server.Anthropic;
using Lemma.Server.Http;
using Lemma.Server.Ollama;
using Lemma.Server.OpenAI;
using Lemma.Server.Responses;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lemma.Server;

/// <summary>The APIs in an app of ASP.NET Core.</summary>
public static partial class LemmaEndpoints
{
    /// <summary>Adds the models to an app's services; they are read by <see cref="MapLemma"/> and freed with the services.</summary>
    public static IServiceCollection AddLemmaServer(this IServiceCollection services, Action<LemmaServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        LemmaServerOptions options = new();
        configure(options);
        return services.AddSingleton(_ => new ServerState(options));
    }

    /// <summary>Reads the models and maps the APIs: <c>/v1/…</c> of OpenAI, and what is said in docs/serving.md.</summary>
    /// <exception cref="InvalidOperationException">There is no <see cref="AddLemmaServer"/>.</exception>
    /// <exception cref="InvalidDataException">A model's file is broken.</exception>
    public static IEndpointConventionBuilder MapLemma(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ServerState state = endpoints.ServiceProvider.GetRequiredService<ServerState>();
        ILogger log = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Lemma.Server");
        endpoints.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(() => state.IsDraining = true);
        RouteGroupBuilder group = endpoints.MapGroup("");
        Open("/health", ServerPages.Health);
        Open("/alive", ServerPages.Alive);
        Get("/metrics", ErrorStyle.OpenAI, ServerPages.Metrics);
        Get("/v1/models", ErrorStyle.OpenAI, ModelList.List);
        Get("/v1/models/{**model}", ErrorStyle.OpenAI, ModelList.One);
        Post("/v1/chat/completions", ErrorStyle.OpenAI, ChatCompletions.Answer);
        Post("/v1/completions", ErrorStyle.OpenAI, TextCompletions.Answer);
        Post("/v1/embeddings", ErrorStyle.OpenAI, Embeddings.Answer);
        Post("/v1/responses", ErrorStyle.Responses, ResponsesApi.Create);
        Post("/v1/responses/input_tokens", ErrorStyle.Responses, ResponsesApi.Count);
        Get("/v1/responses/{id}", ErrorStyle.Responses, ResponsesApi.Get);
        Delete("/v1/responses/{id}", ErrorStyle.Responses, ResponsesApi.Delete);
        Get("/v1/responses/{id}/input_items", ErrorStyle.Responses, ResponsesApi.Items);
        Post("/v1/messages", ErrorStyle.Anthropic, AnthropicMessages.Answer);
        Post("/v1/messages/count_tokens", ErrorStyle.Anthropic, AnthropicMessages.Count);
        Post("/api/chat", ErrorStyle.Ollama, OllamaTexts.Chat);
        Post("/api/generate", ErrorStyle.Ollama, OllamaTexts.Generate);
        Post("/api/embed", ErrorStyle.Ollama, OllamaPages.Embed);
        Post("/api/show", ErrorStyle.Ollama, OllamaPages.Show);
        Get("/api/tags", ErrorStyle.Ollama, OllamaPages.Tags);
        Get("/api/ps", ErrorStyle.Ollama, OllamaPages.Running);
        Get("/api/version", ErrorStyle.Ollama, OllamaPages.Version);
        Post("/tokenize", ErrorStyle.OpenAI, TokenPages.Tokenize);
        Post("/detokenize", ErrorStyle.OpenAI, TokenPages.Detokenize);
        Post("/apply-template", ErrorStyle.OpenAI, TokenPages.ApplyTemplate);
        return group;

        void Open(string path, Func<Call, Task> answer) => group.MapGet(path, context => RunAsync(context, path, ErrorStyle.OpenAI, answer, isOpen: true));

        void Get(string path, ErrorStyle style, Func<Call, Task> answer) => group.MapGet(path, context => RunAsync(context, path, style, answer));

        void Post(string path, ErrorStyle style, Func<Call, Task> answer) => group.MapPost(path, context => RunAsync(context, path, style, answer));

        void Delete(string path, ErrorStyle style, Func<Call, Task> answer) => group.MapDelete(path, context => RunAsync(context, path, style, answer));

        async Task RunAsync(HttpContext context, string path, ErrorStyle style, Func<Call, Task> answer, bool isOpen = false)
        {
            Call call = new(context, state);
            context.Response.Headers["X-Request-Id"] = context.TraceIdentifier;
            try
            {
                if (!isOpen)
                    call.Owner = state.Keys.Check(context.Request);
                if (!isOpen && state.IsDraining)
                    throw new ApiException(ApiException.Unavailable, "The server is shutting down.", null, "shutting_down");
                await answer(call).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                // The client left; nobody reads a reply.
            }
            catch (Exception failure)
            {
                ApiException? error = ApiException.Of(failure);
                if (error is null)
                    Failed(log, context.TraceIdentifier, path, failure);
                await TellAsync(call, style, error ?? new ApiException(500, "The server had an error while processing your request.", null, "internal_error"))
                    .ConfigureAwait(false);
            }
            state.Metrics.Replied(path, context.Response.StatusCode, TimeProvider.System.GetElapsedTime(call.Started));
        }
    }

    private static async Task TellAsync(Call call, ErrorStyle style, ApiException error)
    {
        if (call.Context.RequestAborted.IsCancellationRequested)
            return;
        if (call.Context.Response.HasStarted)
        {
            await style.SendAsync(call, error).ConfigureAwait(false);
            return;
        }
        call.Context.Response.Headers.Remove("Cache-Control");
        if (error.Status == ApiException.Unavailable)
            call.Context.Response.Headers.RetryAfter = "1";
        if (error.Status == StatusCodes.Status401Unauthorized)
            call.Context.Response.Headers.WWWAuthenticate = "Bearer";
        await call.WriteAsync(json => style.Write(json, error), error.Status).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Request {Id} to {Path} failed")]
    private static partial void Failed(ILogger log, string id, string path, Exception failure);
}
