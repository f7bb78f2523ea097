using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.Responses;

/// <summary><c>POST /v1/responses/compact</c>: a conversation whose turns are made one item, a summary that the model itself writes.</summary>
internal static class ResponseCompaction
{
    /// <summary>What the model is asked behind the conversation.</summary>
    internal const string Instruction = "Summarize the conversation above, so that it can go on from the summary alone. "
        + "Keep what was asked, agreed, decided and found out, and what is left to do; keep names, numbers and wording that matter. Write the summary only.";

    /// <summary>The most tokens of a summary; half of the longest text where that is less.</summary>
    private const int MostTokens = 1024;

    public static async Task Answer(Call call)
    {
        (ServedEngine engine, string? instructions, IReadOnlyList<ResponseItem> conversation) = await ReadAsync(call).ConfigureAwait(false);
        AnswerRequest request = Begin(call, engine, instructions, conversation);
        WholeAnswer answer = new();
        bool began = false;
        await foreach (AnswerUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
        {
            OpenAI.ChatCompletions.Began(call, ref began);
            answer.Add(update);
        }
        string summary = answer.Parts.Content.Trim();
        if (summary.Length == 0)
            throw new ApiException(422, "The model wrote no summary of this conversation.", "input", "empty_summary");
        // What the system says is no part of what was talked about, and stays as it is.
        ResponseItem[] output =
        [
            .. conversation.Where(static item => item.Kind == ResponseItemKind.Message && item.Role is "system" or "developer"),
            new ResponseItem(ResponseItemKind.Compaction, ResponseItem.NewId(ResponseItemKind.Compaction)) { Text = summary },
        ];
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("id", $"resp_{Guid.NewGuid():N}");
            json.WriteString("object", "response.compaction");
            json.WriteNumber("created_at", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
            json.WriteStartArray("output");
            foreach (ResponseItem item in output)
                item.Write(json, null);
            json.WriteEndArray();
            ResponseJson.WriteUsage(json, request.Usage, request.Thought);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task<(ServedEngine, string? Instructions, IReadOnlyList<ResponseItem>)> ReadAsync(Call call)
    {
        using JsonDocument body = await call.ReadAsync().ConfigureAwait(false);
        Fields fields = new(body.RootElement);
        ServedEngine engine = await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false);
        string? instructions = fields.Text("instructions"), previous = fields.Text("previous_response_id");
        IReadOnlyList<ResponseItem> earlier = previous is null ? [] : new ResponseMemory(call.State.Responses, call.Owner).Conversation(previous);
        IReadOnlyList<ResponseItem> input = previous is not null && fields.Any("input") is null ? [] : ResponseInput.Read(fields);
        fields.Text("prompt_cache_key");
        fields.Accept("prompt_cache_retention", "prompt_cache_options");
        fields.Refuse("service_tier", "there is one", "auto", "default");
        fields.RefuseOthers();
        return (engine, instructions, [.. earlier, .. input]);
    }

    // The likeliest text, without thoughts where the template has a variable for them. What does not fit leaves the oldest turns out, as truncation does.
    private static AnswerRequest Begin(Call call, ServedEngine engine, string? instructions, IReadOnlyList<ResponseItem> conversation)
    {
        List<ChatMessage> turns = ResponseInput.Turns(instructions, conversation, engine);
        // Templates want turns of the user and of the assistant by turns.
        if (turns[^1].Role == "user")
            turns[^1] = turns[^1] with { Content = $"{turns[^1].Content}\n\n{Instruction}" };
        else
            turns.Add(new ChatMessage("user", Instruction));
        AnswerOptions answer = engine.Writer!.Effort("none") is not { } variable ? new AnswerOptions()
            : new AnswerOptions { Variables = new Dictionary<string, JsonElement> { [variable.Key] = variable.Value } };
        int[] prompt = Truncation.Fit(engine, turns, LanguageEngine.TemplateOptions(answer), MostTokens);
        int room = Generation.Room(prompt, engine, "input");
        return ChatAnswers.Begin(call, engine, prompt, answer with
        {
            Generation = GenerationOptions.Greedy with { MaximumTokens = Math.Min(MostTokens, room) },
        }, conversationField: "input");
    }
}
