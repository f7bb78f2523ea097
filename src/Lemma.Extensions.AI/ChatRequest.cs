using System.Globalization;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Language.Tools;
using Microsoft.Extensions.AI;

namespace Lemma.Extensions.AI;

/// <summary>What <see cref="ChatOptions"/> ask for: how an answer is made, or a refusal that names the field.</summary>
internal static class ChatRequest
{
    /// <summary>Reads the options of one answer.</summary>
    /// <param name="client">Who is asked.</param>
    /// <param name="options">The options.</param>
    /// <param name="seed">The seed where the options have none.</param>
    /// <param name="engine">Who answers.</param>
    public static AnswerOptions Read(IChatClient client, ChatOptions options, ulong seed, LanguageEngine engine)
    {
        Refuse(options);
        Refuse(engine.Format.Calls is null && options.Tools is { Count: > 0 } && options.ToolMode is not NoneChatToolMode, nameof(options.Tools),
            "the model's chat template writes no calls; ToolMode None leaves them out");
        Refuse(options.ToolMode is RequiredChatToolMode && options.Tools is not { Count: > 0 }, nameof(options.ToolMode),
            "a call is required, but there are no tools");
        object? raw = options.RawRepresentationFactory?.Invoke(client);
        GenerationOptions given = raw switch
        {
            // What the longest text has room for ends an answer, where nothing else does.
            null => GenerationOptions.Sample(own: engine.Model.Model.Sampling) with { MaximumTokens = int.MaxValue, Seed = seed },
            GenerationOptions own => own,
            _ => throw new NotSupportedException($"chat: RawRepresentationFactory may give {nameof(GenerationOptions)}, but it gave {raw.GetType()}"),
        };
        Numbers numbers = new(options.AdditionalProperties);
        double? minP = numbers.Take("min_p"), typical = numbers.Take("typical_p"), topNSigma = numbers.Take("top_n_sigma"),
            repetition = numbers.Take("repetition_penalty");
        int? ngram = numbers.TakeWhole("no_repeat_ngram_size"), logProbabilities = numbers.TakeWhole("logprobs"), priority = numbers.TakeWhole("priority");
        // Usage is told in any case.
        numbers.Accept("stream_options");
        numbers.RequireAllTaken();
        bool draws = options.Temperature is not null || options.TopP is not null || options.TopK is not null || options.FrequencyPenalty is not null
            || options.PresencePenalty is not null || (minP ?? typical ?? topNSigma ?? repetition ?? ngram) is not null;
        return new AnswerOptions
        {
            Variables = Effort(options, engine),
            Generation = given with
            {
                Steps = !draws ? given.Steps : GenerationOptions.Sample(options.Temperature, options.TopK, options.TopP, minP, typical, repetition,
                    options.PresencePenalty, options.FrequencyPenalty, ngram, topNSigma: topNSigma, own: raw is null ? engine.Model.Model.Sampling : null).Steps,
                MaximumTokens = options.MaxOutputTokens ?? given.MaximumTokens,
                Seed = options.Seed is { } seeded ? unchecked((ulong)seeded) : given.Seed,
                StopTexts = options.StopSequences is { } stops ? [.. stops] : given.StopTexts,
                LogProbabilities = logProbabilities ?? given.LogProbabilities,
            },
            Tools = options.Tools is { } tools ? [.. tools.Select(Of)] : [],
            Choice = Choice(options),
            Schema = (options.ResponseFormat as ChatResponseFormatJson)?.Schema,
            IsJsonObject = options.ResponseFormat is ChatResponseFormatJson { Schema: null },
            Priority = priority ?? 0,
        };
    }

    private static Dictionary<string, JsonElement> Effort(ChatOptions options, LanguageEngine engine)
    {
        if (options.Reasoning?.Effort is not { } effort)
            return [];
        string name = effort switch
        {
            ReasoningEffort.None => "none",
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.High => "high",
            ReasoningEffort.ExtraHigh => "xhigh",
            _ => throw new NotSupportedException($"chat: Reasoning: the effort {effort} is not known"),
        };
        (string variable, JsonElement value) = engine.Effort(name)
            ?? throw new NotSupportedException($"chat: Reasoning: the model's chat template has no variable for the effort '{name}'");
        return new Dictionary<string, JsonElement> { [variable] = value };
    }

    private static Tool Of(AITool tool) => tool is AIFunctionDeclaration function ? new Tool(function.Name, function.Description, function.JsonSchema)
        : throw new NotSupportedException($"chat: Tools: the model is told of functions alone, but '{tool.Name}' is {tool.GetType().Name}");

    private static ToolChoice Choice(ChatOptions options)
    {
        ToolChoice choice = options.ToolMode switch
        {
            null or AutoChatToolMode => ToolChoice.Auto,
            NoneChatToolMode => ToolChoice.None,
            RequiredChatToolMode { RequiredFunctionName: { } name } => ToolChoice.Named(name),
            RequiredChatToolMode => ToolChoice.Required,
            var other => throw new NotSupportedException($"chat: ToolMode: {other.GetType().Name} is not known"),
        };
        return options.AllowMultipleToolCalls == false ? choice with { IsParallel = false } : choice;
    }

    // What is not there.
    private static void Refuse(ChatOptions options)
    {
        Refuse(options.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson), nameof(options.ResponseFormat),
            "an answer is text or JSON");
        Refuse(options.Reasoning is { Output: ReasoningOutput.Summary }, nameof(options.Reasoning), "thoughts are told in full or not at all");
        Refuse(options.ConversationId is not null, nameof(options.ConversationId), "no conversations are kept; send all messages");
        Refuse(options.ContinuationToken is not null, nameof(options.ContinuationToken), "answers are not kept, so none can be resumed");
        Refuse(options.AllowBackgroundResponses == true, nameof(options.AllowBackgroundResponses), "answers are made while they are awaited");
    }

    private static void Refuse(bool isAsked, string field, string why)
    {
        if (isAsked)
            throw new NotSupportedException($"chat: {field}: {why}");
    }

    // Further options by name; what is not known is refused.
    private readonly struct Numbers(AdditionalPropertiesDictionary? all)
    {
        private readonly Dictionary<string, object?> left = all is null ? [] : new Dictionary<string, object?>(all, StringComparer.OrdinalIgnoreCase);

        public double? Take(string name)
        {
            if (!left.Remove(name, out object? value) || value is null)
                return null;
            double? number = value switch
            {
                JsonElement { ValueKind: JsonValueKind.Number } json => json.GetDouble(),
                double or float or decimal or int or long or short or byte or uint or ulong => Convert.ToDouble(value, CultureInfo.InvariantCulture),
                _ => null,
            };
            return number ?? throw new ArgumentException($"chat: AdditionalProperties: {name} must be a number, but it is {value}");
        }

        public int? TakeWhole(string name) => Take(name) is not { } number ? null
            : number == Math.Truncate(number) && Math.Abs(number) <= int.MaxValue ? (int)number
            : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"chat: AdditionalProperties: {name} must be a whole number, but it is {number}"));

        public void Accept(string name) => left.Remove(name);

        public void RequireAllTaken()
        {
            if (left.Count > 0)
                throw new NotSupportedException($"chat: AdditionalProperties: '{string.Join("', '", left.Keys.Order(StringComparer.Ordinal))}' is not known");
        }
    }
}
