using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Server.Http;

namespace Lemma.Server.OpenAI;

/// <summary><c>/v1/completions</c>: texts that go on, of one prompt or several.</summary>
internal static class TextCompletions
{
    private const int UsualTokens = 16, MostPrompts = 256, MostLikeliest = 5;

    private sealed record Asked(ServedEngine Engine, Prompt[] Prompts, GenerationOptions Options, int Count, int Priority, bool Echoes, bool Streams,
        bool TellsUsage)
    {
        public bool TellsPrompt => Echoes && Options.LogProbabilities is not null;

        /// <summary>No tokens of a text yet.</summary>
        public CompletionTokens Tokens(int prompt) => new(Echoes ? Prompts[prompt].Text.Length : 0);
    }

    private sealed record Prompt(int[] Ids, string Text);

    // What is told of a prompt, before anything of its texts, each of which begins with it.
    private sealed class PromptTokens(Asked asked, int prompt)
    {
        private readonly List<TokenChoice> choices = [];
        private readonly bool[] isGiven = new bool[asked.Count];

        /// <summary>Takes a token of the prompt; false for what is of a text.</summary>
        public bool Take(TextUpdate update)
        {
            if (update.IsPrompt)
                choices.Add(update.Choice!);
            return update.IsPrompt;
        }

        /// <summary>Gives the tokens to a text, once.</summary>
        public void Give(int text, CompletionTokens tokens)
        {
            if (asked.TellsPrompt && !isGiven[text])
                tokens.AddPrompt(asked.Engine.Writer!.Model.Tokenizer, asked.Prompts[prompt].Ids, choices);
            isGiven[text] = true;
        }
    }

    public static async Task Answer(Call call)
    {
        Asked asked;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            asked = Read(fields, await call.WriterAsync(fields.NeededText("model")).ConfigureAwait(false), call.State);
        }
        List<TextRequest> requests = [];
        call.Spent = () => requests.Sum(static request => (long)request.Usage.Prompt + request.Usage.Made);
        try
        {
            foreach (Prompt prompt in asked.Prompts)
            {
                int room = Generation.Room(prompt.Ids, asked.Engine, "prompt");
                requests.Add(asked.Engine.Writer!.Submit(prompt.Ids, asked.Options with { MaximumTokens = Math.Min(asked.Options.MaximumTokens, room) }, asked.Count,
                    asked.Priority, asked.Engine.Adapter, asked.TellsPrompt, call.Cancellation));
            }
            Reply reply = new(asked.Engine, $"cmpl-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
            await (asked.Streams ? Stream(call, asked, requests, reply) : Whole(call, asked, requests, reply)).ConfigureAwait(false);
        }
        finally
        {
            // Where one prompt fails the others are not made for nobody.
            foreach (TextRequest request in requests)
                request.Cancel();
        }
    }

    private static Asked Read(Fields fields, ServedEngine engine, ServerState state)
    {
        Prompt[] prompts = Prompts(fields, engine.Writer!.Model);
        GenerationOptions options = Generation.Read(fields, engine, state);
        int count = Generation.Count(fields, state), priority = fields.Whole("priority", int.MinValue) ?? 0, most = fields.Whole("max_tokens", 0) ?? UsualTokens;
        int? likeliest = fields.Whole("logprobs", 0, MostLikeliest);
        bool echoes = fields.Flag("echo") ?? false, streams = fields.Flag("stream") ?? false, tellsUsage = ChatCompletions.TellsUsage(fields, streams);
        if (fields.Whole("best_of", 1) is { } best && best != count)
            throw new ApiException(400, "'best_of' is not supported: all texts that are made are returned.", "best_of", "unsupported_parameter");
        if (fields.Text("suffix") is { Length: > 0 })
            throw new ApiException(400, "'suffix' is not supported: this model continues a text and fills no gap.", "suffix", "unsupported_parameter");
        Generation.AcceptLabels(fields);
        fields.RefuseOthers();
        return new Asked(engine, prompts, options with { LogProbabilities = likeliest, MaximumTokens = most }, count, priority, echoes, streams, tellsUsage);
    }

    private static Prompt[] Prompts(Fields fields, LanguageModel model)
    {
        const string rule = "a string, an array of strings, an array of token ids, or an array of such arrays";
        JsonElement prompt = fields.Any("prompt") ?? throw fields.Missing("prompt");
        if (prompt.ValueKind == JsonValueKind.String)
            return [OfText(prompt.GetString()!)];
        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
            throw Fields.Wrong(fields.Name("prompt"), rule, prompt);
        if (prompt[0].ValueKind == JsonValueKind.Number)
            return [OfIds(prompt, "prompt")];
        if (prompt.GetArrayLength() > MostPrompts)
        {
            throw new ApiException(400, $"'prompt' has {prompt.GetArrayLength()} prompts, but at most {MostPrompts} may be sent together.", "prompt",
                "invalid_value");
        }
        return [.. prompt.EnumerateArray().Select((one, i) => one.ValueKind switch
        {
            JsonValueKind.String => OfText(one.GetString()!),
            JsonValueKind.Array when one.GetArrayLength() > 0 => OfIds(one, string.Create(CultureInfo.InvariantCulture, $"prompt[{i}]")),
            _ => throw Fields.Wrong(string.Create(CultureInfo.InvariantCulture, $"prompt[{i}]"), rule, one),
        })];

        Prompt OfText(string text) => new(model.Prompt(text), text);

        Prompt OfIds(JsonElement array, string name)
        {
            int[] ids = Fields.Ids(array, name);
            if (Array.Find(ids, id => id >= model.Tokenizer.VocabularySize) is > 0 and int unknown)
                throw new ApiException(400, $"'{name}': there is no token {unknown}; the model has {model.Tokenizer.VocabularySize}.", "prompt", "invalid_value");
            return new Prompt(ids, model.Tokenizer.Decode(ids));
        }
    }

    private static async Task Whole(Call call, Asked asked, List<TextRequest> requests, Reply reply)
    {
        bool began = false;
        List<(StringBuilder Text, CompletionTokens Tokens, TextEnd End)> choices = [];
        for (int prompt = 0; prompt < requests.Count; prompt++)
        {
            int first = choices.Count;
            for (int i = 0; i < asked.Count; i++)
                choices.Add((new StringBuilder(asked.Echoes ? asked.Prompts[prompt].Text : ""), asked.Tokens(prompt), TextEnd.Stop));
            PromptTokens ofPrompt = new(asked, prompt);
            await foreach (TextUpdate update in requests[prompt].ReadAsync(call.Cancellation).ConfigureAwait(false))
            {
                if (ofPrompt.Take(update))
                    continue;
                ChatCompletions.Began(call, ref began);
                (StringBuilder text, CompletionTokens tokens, TextEnd end) = choices[first + update.Sequence];
                ofPrompt.Give(update.Sequence, tokens);
                tokens.Add(update, asked.TellsPrompt);
                text.Append(update.Text);
                choices[first + update.Sequence] = (text, tokens, update.End ?? end);
            }
        }
        await call.WriteAsync(json => reply.Write(json, "text_completion", () =>
        {
            for (int i = 0; i < choices.Count; i++)
                WriteChoice(json, asked, i, choices[i].Text.ToString(), choices[i].Tokens, choices[i].End);
        }, () => TokenJson.WriteUsage(json, Sum(requests)))).ConfigureAwait(false);
    }

    private static async Task Stream(Call call, Asked asked, List<TextRequest> requests, Reply reply)
    {
        ReplyStream? stream = null;
        bool began = false;
        using SemaphoreSlim turn = new(1);
        await Task.WhenAll(requests.Select((request, prompt) => Pump(request, prompt))).ConfigureAwait(false);
        if (asked.TellsUsage)
        {
            await stream!.SendAsync(json => reply.Write(json, "text_completion", static () => { }, () => TokenJson.WriteUsage(json, Sum(requests))))
                .ConfigureAwait(false);
        }
        await stream!.DoneAsync().ConfigureAwait(false);

        async Task Pump(TextRequest request, int prompt)
        {
            CompletionTokens[] tokens = [.. Enumerable.Range(0, asked.Count).Select(_ => asked.Tokens(prompt))];
            PromptTokens ofPrompt = new(asked, prompt);
            bool[] hasEchoed = new bool[asked.Count];
            await foreach (TextUpdate update in request.ReadAsync(call.Cancellation).ConfigureAwait(false))
            {
                if (ofPrompt.Take(update))
                    continue;
                CompletionTokens own = tokens[update.Sequence];
                own.Clear();
                ofPrompt.Give(update.Sequence, own);
                own.Add(update, asked.TellsPrompt);
                string text = update.Text;
                if (asked.Echoes && !hasEchoed[update.Sequence])
                    text = asked.Prompts[prompt].Text + text;
                hasEchoed[update.Sequence] = true;
                if (text.Length == 0 && own.Count == 0 && update.End is null)
                    continue;
                await turn.WaitAsync(call.Cancellation).ConfigureAwait(false);
                try
                {
                    ChatCompletions.Began(call, ref began);
                    stream ??= ReplyStream.Events(call);
                    await stream.SendAsync(json => reply.Write(json, "text_completion",
                        () => WriteChoice(json, asked, prompt * asked.Count + update.Sequence, text, own, update.End), () =>
                        {
                            if (asked.TellsUsage)
                                json.WriteNull("usage");
                        })).ConfigureAwait(false);
                }
                finally
                {
                    turn.Release();
                }
            }
        }
    }

    private static void WriteChoice(Utf8JsonWriter json, Asked asked, int index, string text, CompletionTokens tokens, TextEnd? end)
    {
        json.WriteStartObject();
        json.WriteString("text", text);
        json.WriteNumber("index", index);
        if (asked.Options.LogProbabilities is null)
            json.WriteNull("logprobs");
        else
            tokens.Write(json, asked.Engine.Writer!.Model);
        json.WriteString("finish_reason", end is null ? null : TokenJson.Reason(end.Value));
        json.WriteEndObject();
    }

    private static BatchUsage Sum(List<TextRequest> requests) => requests.Aggregate(default(BatchUsage), (sum, request) =>
        new BatchUsage(sum.Prompt + request.Usage.Prompt, sum.Cached + request.Usage.Cached, sum.Made + request.Usage.Made, sum.Guessed + request.Usage.Guessed,
            sum.Right + request.Usage.Right));
}
