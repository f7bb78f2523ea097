using Lemma.Decoding;
using Lemma.Text.Templates;

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

    /// <summary>An engine for a model, which stays the caller's.</summary>
    /// <exception cref="InvalidOperationException">The model has an encoder.</exception>
    public LanguageEngine(LanguageModel model, BatcherOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        batcher = new Batcher(model.Decoder, model.Workers, options, model.Tokenizer.VocabularySize);
    }

    /// <summary>The model.</summary>
    public LanguageModel Model => model;

    /// <summary>The longest text in ids, prompt included (<see cref="Batcher.LongestText"/>).</summary>
    public int LongestText => batcher.LongestText;

    /// <summary>What it does and has done.</summary>
    public BatcherCounts Counts => batcher.Counts;

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
    /// <param name="options">How, texts to stop at included; null draws freely.</param>
    /// <param name="count">How many texts continue it; the seed of each is that of the options and its number.</param>
    /// <param name="priority">Higher ones go first.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="QueueFullException">As many requests wait as may.</exception>
    /// <exception cref="ArgumentException">The prompt is empty or too long, or the options do not hold.</exception>
    public TextRequest Submit(ReadOnlyMemory<int> prompt, GenerationOptions? options = null, int count = 1, int priority = 0,
        CancellationToken cancellation = default)
    {
        options ??= GenerationOptions.Sample();
        // Refused before anything waits.
        TextPieces[] pieces = [.. Enumerable.Range(0, Math.Max(0, count)).Select(_ => new TextPieces(model.Tokenizer, options.StopTexts, prompt.Span))];
        return new TextRequest(batcher.Submit(prompt, options with { StopTexts = [] }, count, priority, cancellation), pieces);
    }

    /// <summary>Ends its thread; requests that have not ended get an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose() => batcher.Dispose();
}
