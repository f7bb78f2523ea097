using Lemma.Server.Anthropic;
using Lemma.Server.Http;
using Lemma.Server.Ollama;
using Lemma.Server.OpenAI;
using Lemma.Server.Responses;

namespace Lemma.Server;

/// <summary>All endpoints.</summary>
internal static class Routes
{
    public static IReadOnlyList<ServerRoute> All { get; } =
    [
        Get("/health", ServerPages.Health, "Whether requests are taken.") with { IsOpen = true },
        Get("/alive", ServerPages.Alive, "Whether the process lives.") with { IsOpen = true },
        Get("/metrics", ServerPages.Metrics, "Counters, for Prometheus."),
        Get("/openapi/v1.json", ServerDocument.Write, "This document."),
        Get("/v1/models", ModelList.List, "The models."),
        Get("/v1/models/{**model}", ModelList.One, "A model."),
        Post("/v1/chat/completions", ChatCompletions.Answer, "An answer to a conversation.", "model", "messages"),
        Post("/v1/completions", TextCompletions.Answer, "A text that goes on.", "model", "prompt"),
        Post("/v1/embeddings", Embeddings.Answer, "Vectors of texts.", "model", "input"),
        Post("/v1/rerank", Rerank.Answer, "Texts in the order of their likeness to a query.", "model", "query", "documents"),
        Post("/v1/responses", ResponsesApi.Create, "A response.", "model", "input") with { Style = ErrorStyle.Responses },
        Post("/v1/responses/input_tokens", ResponsesApi.Count, "The tokens that a request for a response is read as.", "model", "input"),
        Post("/v1/responses/compact", ResponseCompaction.Answer, "A conversation made short.", "model"),
        Get("/v1/responses", ResponseSocket.Answer, "A WebSocket for responses, one after the other.") with { Style = ErrorStyle.Responses, IsSocket = true },
        Get("/v1/responses/{id}", ResponsesApi.Get, "A response that is kept."),
        Get("/v1/responses/{id}", ResponsesApi.Delete, "Forgets a response.") with { Method = "DELETE" },
        Get("/v1/responses/{id}/input_items", ResponsesApi.Items, "The items that were sent for a response."),
        Post("/v1/messages", AnthropicMessages.Answer, "An answer to a conversation, by Anthropic's API.", "model", "max_tokens", "messages") with
        {
            Style = ErrorStyle.Anthropic,
        },
        Post("/v1/messages/count_tokens", AnthropicMessages.Count, "The tokens of a conversation.", "model", "messages") with { Style = ErrorStyle.Anthropic },
        Post("/api/chat", OllamaTexts.Chat, "An answer to a conversation, by Ollama's API.", "model") with { Style = ErrorStyle.Ollama },
        Post("/api/generate", OllamaTexts.Generate, "An answer to a prompt, by Ollama's API.", "model") with { Style = ErrorStyle.Ollama },
        Post("/api/embed", OllamaPages.Embed, "Vectors of texts, by Ollama's API.", "model", "input") with { Style = ErrorStyle.Ollama },
        Post("/api/show", OllamaPages.Show, "What a model is.") with { Style = ErrorStyle.Ollama },
        Get("/api/tags", OllamaPages.Tags, "The models.") with { Style = ErrorStyle.Ollama },
        Get("/api/ps", OllamaPages.Running, "The models in memory.") with { Style = ErrorStyle.Ollama },
        Get("/api/version", OllamaPages.Version, "The version.") with { Style = ErrorStyle.Ollama },
        Post("/tokenize", TokenPages.Tokenize, "The ids of a text.", "content"),
        Post("/detokenize", TokenPages.Detokenize, "The text of ids.", "tokens"),
        Post("/apply-template", TokenPages.ApplyTemplate, "The prompt that the chat template makes of a conversation.", "messages"),
    ];

    private static ServerRoute Get(string path, Func<Call, Task> answer, string summary) => new("GET", path, ErrorStyle.OpenAI, answer, summary);

    private static ServerRoute Post(string path, Func<Call, Task> answer, string summary, params string[] needed) =>
        new("POST", path, ErrorStyle.OpenAI, answer, summary) { Needed = needed };
}
