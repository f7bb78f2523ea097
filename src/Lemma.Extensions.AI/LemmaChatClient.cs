using System.Runtime.CompilerServices;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Weights;
using Microsoft.Extensions.AI;
using Message = Microsoft.Extensions.AI.ChatMessage;
using Options = Microsoft.Extensions.AI.ChatOptions;
using Turn = Lemma.Text.Templates.ChatMessage;

namespace Lemma.Extensions.AI;

/// <summary>A local model as an <see cref="IChatClient"/>: conversations by its own chat template, many at once.</summary>
/// <remarks>Any thread may ask; the texts of all callers are made in one batch, and each is the one that its caller would get alone.</remarks>
public sealed class LemmaChatClient : IChatClient
{
    private const string Provider = "lemma";
    private readonly LanguageEngine engine;
    private readonly IDisposable[] owned;
    private readonly ChatClientMetadata metadata;
    private readonly IReadOnlyDictionary<string, Adapter> adapters;
    private long answers;

    /// <summary>A client of an engine, which stays the caller's.</summary>
    /// <param name="engine">Who writes.</param>
    /// <param name="modelId">The model's name, which answers carry.</param>
    /// <param name="adapters">Adapters of the model by the names that options may ask for; they stay the caller's. Null for none.</param>
    public LemmaChatClient(LanguageEngine engine, string modelId, IReadOnlyDictionary<string, Adapter>? adapters = null) : this(engine, modelId, adapters, []) =>
        ArgumentNullException.ThrowIfNull(engine);

    private LemmaChatClient(LanguageEngine engine, string modelId, IReadOnlyDictionary<string, Adapter>? adapters, IDisposable[] owned)
    {
        (this.engine, this.owned) = (engine, owned);
        this.adapters = adapters ?? new Dictionary<string, Adapter>();
        metadata = new ChatClientMetadata(Provider, defaultModelId: modelId);
    }

    /// <summary>Reads a model for a client of its own.</summary>
    /// <param name="path">A model's folder, a GGUF file, or a checkpoint of llama2.c.</param>
    /// <param name="options">How it is loaded and served; null for the usual.</param>
    /// <exception cref="InvalidOperationException">The model has no chat template, or an encoder.</exception>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public static LemmaChatClient Load(string path, LemmaClientOptions? options = null)
    {
        options ??= new LemmaClientOptions();
        LanguageModel model = LanguageModel.Load(path, options.Threads, options.Cache);
        SortedDictionary<string, Adapter> adapters = new(StringComparer.Ordinal);
        LanguageEngine? engine = null;
        try
        {
            if (model.Template is null)
                throw new InvalidOperationException($"chat: the model in '{path}' has no chat template, so it cannot hold a conversation");
            engine = new LanguageEngine(model, options.Batching);
            foreach ((string name, string folder) in options.Adapters)
                adapters.Add(name, engine.ReadAdapter(folder));
            return new LemmaChatClient(engine, options.NameOf(path), adapters, [engine, .. adapters.Values, model]);
        }
        catch
        {
            engine?.Dispose();
            foreach (Adapter adapter in adapters.Values)
                adapter.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The options or the messages ask for something that is not there; nothing is ignored.</exception>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<Message> messages, Options? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The options or the messages ask for something that is not there; nothing is ignored.</exception>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<Message> messages, Options? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options ??= new Options();
        IReadOnlyList<Turn> turns = ChatTurns.Of(messages, options.Instructions, engine.Format);
        ulong seed = (ulong)Interlocked.Increment(ref answers);
        Adapter? adapter = AdapterOf(options.ModelId);
        AnswerOptions asked = ChatRequest.Read(this, options, seed, engine);
        AnswerRequest request = engine.Ask(turns, asked with { Adapter = adapter }, cancellationToken);
        AnswerContents contents = new(tellsThoughts: options.Reasoning?.Output != ReasoningOutput.None);
        string response = $"chatcmpl-{Guid.NewGuid():N}", message = $"msg-{Guid.NewGuid():N}";
        await foreach (AnswerUpdate update in request.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            List<AIContent> whole = contents.Append(update.Deltas, update.End is not null);
            if (whole.Count == 0 && update is { Text.Choice: null, End: null })
                continue;
            ChatResponseUpdate next = Next(whole);
            next.RawRepresentation = update;
            if (update.End is { } end)
            {
                next.FinishReason = end == TextEnd.Length ? ChatFinishReason.Length : update.Calls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
                next.Contents.Add(new UsageContent(Details(request)));
            }
            yield return next;
        }

        ChatResponseUpdate Next(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
        {
            ResponseId = response,
            MessageId = message,
            ModelId = options.ModelId ?? metadata.DefaultModelId,
            CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? metadata
            : serviceType == typeof(LanguageEngine) ? engine
            : serviceType == typeof(LanguageModel) ? engine.Model
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Ends the engine and frees the model, where the client has loaded it.</summary>
    public void Dispose()
    {
        foreach (IDisposable one in owned)
            one.Dispose();
    }

    private Adapter? AdapterOf(string? modelId)
    {
        if (modelId is null || modelId == metadata.DefaultModelId)
            return null;
        return adapters.TryGetValue(modelId, out Adapter? adapter) ? adapter
            : throw new ArgumentException($"chat: this client's model is '{metadata.DefaultModelId}'{Named()}, but ModelId asks for '{modelId}'");

        string Named() => adapters.Count == 0 ? "" : $", also with '{string.Join("', '", adapters.Keys)}'";
    }

    private static UsageDetails Details(AnswerRequest request) => new()
    {
        InputTokenCount = request.Usage.Prompt,
        CachedInputTokenCount = request.Usage.Cached,
        OutputTokenCount = request.Usage.Made,
        ReasoningTokenCount = request.Thought,
        TotalTokenCount = (long)request.Usage.Prompt + request.Usage.Made,
    };
}
