using System.Text.Json;
using Lemma.Text.Templates.Statements;
using Lemma.Text.Templates.Syntax;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates;

/// <summary>A chat template: a conversation to the text that a model was trained on.</summary>
/// <remarks>
/// The language is Jinja as Hugging Face's transformers sets it up for chat templates: trim_blocks and lstrip_blocks, loop controls,
/// tojson without escapes for HTML, raise_exception, strftime_now, generation blocks. The result is the same, byte for byte. A template runs in a
/// sandbox: it reads no file and no clock, reaches no object of .NET, and its steps, text and depth are bounded.
/// Immutable and thread-safe.
/// </remarks>
public sealed class ChatTemplate
{
    private static readonly Dictionary<string, JsonElement> NoFields = [];
    private readonly TemplateSource source;
    private readonly Block block;

    private ChatTemplate(string text)
    {
        (Text, source) = (text, new TemplateSource(text));
        (block, MarksAnswers) = Parser.Read(source);
    }

    /// <summary>The template as it is written.</summary>
    public string Text { get; }

    /// <summary>The special tokens that the template sees by name, such as bos_token.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; private init; } = new Dictionary<string, string>();

    /// <summary>The template that takes this one's place when tools are given; null where this one is for both.</summary>
    public ChatTemplate? ForTools { get; private init; }

    /// <summary>Whether the template has generation blocks, which say what the model writes.</summary>
    public bool MarksAnswers { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="text">The template as it is written.</param>
    /// <param name="specialTokens">The special tokens that it sees by name; null for none.</param>
    /// <exception cref="TemplateException">It is malformed.</exception>
    public static ChatTemplate Parse(string text, IReadOnlyDictionary<string, string>? specialTokens = null) =>
        new(text) { SpecialTokens = specialTokens ?? new Dictionary<string, string>() };

    /// <summary>Reads the template of a model's folder, of its tokenizer_config.json, of a GGUF file, or of a .jinja file, with the special tokens beside
    /// it.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="name">Which template, where there are several; null for the default one and the one for tools.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or has no such template.</exception>
    /// <exception cref="TemplateException">The template is malformed.</exception>
    public static ChatTemplate Load(string path, string? name = null)
    {
        ChatTemplateFiles files = ChatTemplateFiles.Read(path);
        ChatTemplate Named(string key, ChatTemplate? forTools = null) => new(files.Find(key))
        {
            SpecialTokens = files.SpecialTokens,
            ForTools = forTools,
        };
        return name is not null ? Named(name) : Named("default", files.Has("tool_use") ? Named("tool_use") : null);
    }

    /// <summary>Whether a model's folder, or a GGUF file, has a template.</summary>
    /// <exception cref="InvalidDataException">A file is malformed.</exception>
    public static bool Exists(string folder) => ChatTemplateFiles.Read(folder).Has("default");

    /// <summary>The text of a conversation.</summary>
    /// <exception cref="TemplateException">The template refuses the conversation, goes wrong, or passes a limit.</exception>
    public string Render(IEnumerable<ChatMessage> messages, ChatOptions? options = null) => RenderMarked(messages, options).Text;

    /// <summary>The text of a conversation, and the parts of it that generation blocks wrote, in order.</summary>
    /// <remarks>A block inside a macro or another captured text marks nothing.</remarks>
    /// <exception cref="TemplateException">As <see cref="Render(IEnumerable{ChatMessage}, ChatOptions?)"/>.</exception>
    public MarkedText RenderMarked(IEnumerable<ChatMessage> messages, ChatOptions? options = null) => Render(budget =>
    {
        List<Value> list = [];
        foreach (ChatMessage message in messages)
        {
            budget.Use(1);
            DictionaryValue turn = new();
            turn.Add(new StringValue("role"), new StringValue(message.Role));
            // A call may stand in a message without content, which some templates tell from an empty one.
            bool isSilent = message.Fields is { } fields && fields.TryGetValue("content", out JsonElement content) && content.ValueKind == JsonValueKind.Null;
            turn.Add(new StringValue("content"), isSilent ? NoneValue.Instance : new StringValue(message.Content));
            foreach ((string name, JsonElement value) in message.Fields ?? NoFields)
                if (name is not ("role" or "content"))
                    turn.Add(new StringValue(name), JsonValues.Read(value, budget));
            list.Add(turn);
        }
        return new SequenceValue(list);
    }, options ?? new ChatOptions());

    /// <summary>The text of a conversation in JSON: a list of objects, each with a role and whatever the template knows.</summary>
    /// <exception cref="TemplateException">The template refuses the conversation, goes wrong, or passes a limit.</exception>
    public string Render(JsonElement messages, ChatOptions? options = null) =>
        Render(budget => JsonValues.Read(messages, budget), options ?? new ChatOptions()).Text;

    private MarkedText Render(Func<Budget, Value> messages, ChatOptions options)
    {
        if (options.Tools is not null && ForTools is not null)
            return ForTools.Render(messages, options);
        Budget budget = new(options.Limits);
        RenderContext context = new(source, budget, options.Now);
        try
        {
            SetVariables(context, messages(budget), options);
        }
        catch (TemplateFault fault)
        {
            throw context.Error(fault, 0);
        }
        block.Execute(context);
        return new MarkedText(context.Output.ToString(), context.Answers);
    }

    private void SetVariables(RenderContext context, Value messages, ChatOptions options)
    {
        Value Json(JsonElement? element) => element is JsonElement value ? JsonValues.Read(value, context.Budget) : NoneValue.Instance;
        foreach ((string name, string token) in SpecialTokens)
            context.Scope.Set(name, new StringValue(token));
        context.Scope.Set("messages", messages);
        context.Scope.Set("tools", Json(options.Tools));
        context.Scope.Set("documents", Json(options.Documents));
        context.Scope.Set("add_generation_prompt", BooleanValue.Of(options.AddGenerationPrompt));
        foreach ((string name, JsonElement value) in options.Variables)
            context.Scope.Set(name, Json(value));
        // What the template sets at its top shadows these, as it does in a block.
        context.Scope = context.Top = new Scope(context.Scope);
    }
}
