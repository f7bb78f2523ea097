using System.Text.Json;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Server.Http;
using Lemma.Text.Templates;

namespace Lemma.Server.OpenAI;

/// <summary>Texts to ids and back, and what the template makes of a conversation, as llama.cpp's server has them.</summary>
internal static class TokenPages
{
    public static async Task Tokenize(Call call)
    {
        LanguageModel model;
        int[] ids;
        bool withPieces;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            model = (await call.WriterAsync(fields.Text("model")).ConfigureAwait(false)).Writer!.Model;
            string text = fields.NeededText("content");
            withPieces = fields.Flag("with_pieces") ?? false;
            bool addsSpecial = fields.Flag("add_special") ?? false;
            fields.RefuseOthers();
            ids = model.Tokenizer.Encode(text, addsSpecial);
        }
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("tokens");
            foreach (int id in ids)
            {
                if (withPieces)
                {
                    json.WriteStartObject();
                    json.WriteNumber("id", id);
                    json.WriteString("piece", model.TextOf(id));
                    json.WriteEndObject();
                }
                else
                    json.WriteNumberValue(id);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    public static async Task Detokenize(Call call)
    {
        string text;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            LanguageModel model = (await call.WriterAsync(fields.Text("model")).ConfigureAwait(false)).Writer!.Model;
            JsonElement tokens = fields.Any("tokens") ?? throw fields.Missing("tokens");
            fields.RefuseOthers();
            if (tokens.ValueKind != JsonValueKind.Array)
                throw Fields.Wrong("tokens", "an array of token ids", tokens);
            text = model.Tokenizer.Decode(Fields.Ids(tokens, "tokens"), skipSpecialTokens: false);
        }
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("content", text);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    public static async Task ApplyTemplate(Call call)
    {
        string prompt;
        using (JsonDocument body = await call.ReadAsync().ConfigureAwait(false))
        {
            Fields fields = new(body.RootElement);
            ServedEngine engine = await call.WriterAsync(fields.Text("model")).ConfigureAwait(false);
            IReadOnlyList<ChatMessage> messages = ChatMessages.Read(fields, engine);
            AnswerOptions answer = new() { Variables = ChatMessages.Variables(fields) ?? new Dictionary<string, JsonElement>(), Tools = ChatTools.Read(fields) };
            fields.RefuseOthers();
            if (engine.Writer!.Model.Template is null)
                throw new ApiException(400, $"The model '{engine.Name}' has no chat template.", "model", "unsupported_model");
            prompt = engine.Writer.Render(messages, LanguageEngine.TemplateOptions(answer));
        }
        await call.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("prompt", prompt);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }
}
