using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Language.Tools;
using Lemma.Text.Templates;
using Lemma.Weights;

namespace Lemma.Language.Serving;

/// <summary>A model that answers many callers at once: texts and conversations in, pieces of text out.</summary>
/// <remarks>
/// Any thread may ask. A text is the one that <see cref="LanguageModel.Complete"/> makes alone (<see cref="Decoding.Batcher"/>). The model's threads serve the
/// engine while it lives; dispose it before the model.
/// </remarks>
public sealed class LanguageEngine : IDisposable
{
    private readonly LanguageModel model;
    private readonly Batcher batcher;
    private readonly Lazy<AnswerFormat> format;
    private readonly Lazy<AnswerConstraints> constraints;
    private readonly Lazy<EffortVariables?> effort;

    /// <summary>An engine for a model, which stays the caller's.</summary>
    /// <exception cref="InvalidOperationException">The model has an encoder.</exception>
    public LanguageEngine(LanguageModel model, BatcherOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        format = new Lazy<AnswerFormat>(() => model.Template is null ? new AnswerFormat() : AnswerFormat.Find(model.Template));
        effort = new Lazy<EffortVariables?>(() => model.Template is null ? null : new EffortVariables(model.Template));
        constraints = new Lazy<AnswerConstraints>(() => new AnswerConstraints(model.Tokenizer, format.Value));
        options ??= new BatcherOptions();
        MostWaiting = options.MostWaiting;
        batcher = new Batcher(model.Decoder, model.Workers, options, model.Tokenizer.VocabularySize);
    }

    /// <summary>The model.</summary>
    public LanguageModel Model => model;

    /// <summary>The longest text in ids, prompt included (<see cref="Batcher.LongestText"/>).</summary>
    public int LongestText => batcher.LongestText;

    /// <summary>The most requests that wait (<see cref="BatcherOptions.MostWaiting"/>).</summary>
    public int MostWaiting { get; }

    /// <summary>What it does and has done.</summary>
    public BatcherCounts Counts => batcher.Counts;

    /// <summary>Reads an adapter (LoRA, as PEFT writes it) of the model, for requests of this engine; it is the caller's.</summary>
    /// <exception cref="InvalidDataException">A file is broken, or changes matrices that the model has not.</exception>
    public Adapter ReadAdapter(string folder) => AdapterFolder.Read(folder, model.Decoder);

    /// <summary>What ended it, so that every further request fails; null while it serves.</summary>
    public Exception? Failure => batcher.Failure;

    /// <summary>The ids of a conversation by the model's own chat template, with what begins an answer.</summary>
    /// <param name="messages">What was said.</param>
    /// <param name="template">What the template is told beside the messages; null to begin an answer.</param>
    /// <exception cref="InvalidOperationException">The model has no chat template.</exception>
    /// <exception cref="TemplateException">The template refuses the conversation.</exception>
    public int[] Prompt(IReadOnlyList<ChatMessage> messages, ChatOptions? template = null) =>
        model.Tokenizer.Encode(Render(messages, template), addSpecialTokens: false);

    /// <summary>The text that the model's own chat template makes of a conversation.</summary>
    /// <param name="messages">What was said.</param>
    /// <param name="template">What the template is told beside the messages; null to begin an answer.</param>
    /// <exception cref="InvalidOperationException">The model has no chat template.</exception>
    /// <exception cref="TemplateException">The template refuses the conversation.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatOptions? template = null) =>
        (model.Template ?? throw new InvalidOperationException("chat: this model has no chat template; a prompt continues a text instead"))
            .Render(messages, template ?? new ChatOptions { AddGenerationPrompt = true, Now = DateTime.Now });

    /// <summary>Continues a prompt, or lets it wait for its turn.</summary>
    /// <param name="prompt">At least one id.</param>
    /// <param name="options">How, texts to stop at included; null as <see cref="Models.Model.Sampling"/> says.</param>
    /// <param name="count">How many texts continue it; the seed of each is that of the options and its number.</param>
    /// <param name="priority">Higher ones go first.</param>
    /// <param name="adapter">What changes the model for this request alone; it must live until the request has ended.</param>
    /// <param name="tellsPrompt">Whether the prompt's ids, all but the first, are told with their log-probabilities, which the options ask for.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    /// <exception cref="ArgumentException">The prompt is empty or too long, or the options or the adapter do not hold (<see cref="Batcher.Submit"/>).</exception>
    public TextRequest Submit(ReadOnlyMemory<int> prompt, GenerationOptions? options = null, int count = 1, int priority = 0,
        Adapter? adapter = null, bool tellsPrompt = false, CancellationToken cancellation = default)
    {
        options ??= GenerationOptions.Sample(own: model.Model.Sampling);
        // Refused before anything waits.
        TextPieces[] pieces = [.. Enumerable.Range(0, Math.Max(0, count)).Select(_ => new TextPieces(model.Tokenizer, options, prompt.Span))];
        return new TextRequest(batcher.Submit(prompt, options with { StopTexts = [] }, count, priority, adapter, tellsPrompt, cancellation), pieces);
    }

    /// <summary>How the model writes calls and thoughts, found from its chat template.</summary>
    public AnswerFormat Format => format.Value;

    /// <summary>The variable of <see cref="AnswerOptions.Variables"/> that asks the model for an effort of reasoning, found from its chat template.</summary>
    /// <param name="reasoning">None, minimal, low, medium, high, max and so on, in lower case; a template that can only let a
    /// model think or not does so for all but none.</param>
    /// <returns>Null where the template has no such variable, or one that takes the effort for any other word.</returns>
    public KeyValuePair<string, JsonElement>? Effort(string reasoning) => effort.Value?.Variable(reasoning);

    /// <summary>Answers a conversation by the model's own chat template, or lets it wait for its turn.</summary>
    /// <param name="messages">What was said.</param>
    /// <param name="asked">What the answer may be.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidOperationException">The model has no chat template.</exception>
    /// <exception cref="TemplateException">The template refuses the conversation.</exception>
    /// <exception cref="GrammarException">A schema is not supported; the message says where.</exception>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    /// <exception cref="ArgumentException">The conversation is too long, the options do not hold, or a call is required that the template cannot write.</exception>
    public AnswerRequest Ask(IReadOnlyList<ChatMessage> messages, AnswerOptions? asked = null, CancellationToken cancellation = default)
    {
        asked ??= new AnswerOptions();
        return Answer(Prompt(messages, TemplateOptions(asked)), asked, cancellation);
    }

    /// <summary>Answers a conversation whose prompt was made of the same options before.</summary>
    /// <param name="prompt">Of <see cref="Prompt"/> with <see cref="TemplateOptions"/>.</param>
    /// <param name="asked">What the answer may be.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="GrammarException">A schema is not supported; the message says where.</exception>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    /// <exception cref="ArgumentException">The options do not hold, or a call is required that the template cannot write.</exception>
    public AnswerRequest Answer(ReadOnlyMemory<int> prompt, AnswerOptions asked, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(asked);
        Constraint? constraint = constraints.Value.Of(asked);
        GenerationOptions options = asked.Generation
            ?? GenerationOptions.Sample(own: model.Model.Sampling) with { MaximumTokens = Math.Max(0, LongestText - prompt.Length) };
        Require.That(constraint is null || options.Constraint is null, $"answer: its format is held by a constraint, so there is no other one");
        IReadOnlyList<Tool> tools = asked.Choice.IsAllowed ? asked.Tools : [];
        bool hasMarks = format.Value.Reasoning is not null || (format.Value.Calls is not null && tools.Count > 0);
        options = options with { Constraint = constraint ?? options.Constraint, KeepsSpecialTokens = hasMarks || options.KeepsSpecialTokens };
        return new AnswerRequest(Submit(prompt, options, asked.Count, asked.Priority, asked.Adapter, cancellation: cancellation), format.Value, tools);
    }

    /// <summary>What the template is told beside the messages, so that an answer is what is asked.</summary>
    public static ChatOptions TemplateOptions(AnswerOptions asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        return new ChatOptions
        {
            AddGenerationPrompt = true,
            Now = DateTime.Now,
            Variables = asked.Variables,
            Tools = asked.Choice.IsAllowed && asked.Tools.Count > 0 ? Tool.ToJson(asked.Tools) : null,
        };
    }

    /// <summary>Ends its thread; requests that have not ended get an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose() => batcher.Dispose();
}
