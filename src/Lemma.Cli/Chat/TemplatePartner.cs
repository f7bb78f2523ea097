using System.Text.Encodings.Web;
using System.Text.Json;
using Lemma.Cli.Parsing;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Text.Templates;

namespace Lemma.Cli.Chat;

/// <summary>A model with a chat template: what was said is a conversation.</summary>
internal sealed class TemplatePartner(LanguageModel model, GenerationOptions options, string? first) : IChatPartner
{
    private Conversation conversation = model.NewConversation(first, LongConversation.ForgetOldest);
    private string? system = first;

    public string Help => "Say something, and the model answers by its chat template.";

    public string Text => string.Join('\n', conversation.Messages.Select(message => $"{message.Role}: {message.Content}"));

    public string Saved
    {
        get
        {
            using MemoryStream bytes = new();
            using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                json.WriteStartArray();
                foreach (ChatMessage message in conversation.Messages)
                {
                    json.WriteStartObject();
                    json.WriteString("role", message.Role);
                    json.WriteString("content", message.Content);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            return System.Text.Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
        }
    }

    public string? Remark => conversation.Forgotten == 0 ? null
        : $"the context is full: the model no longer sees {conversation.Forgotten} of {conversation.Messages.Count} messages";

    public (int Made, int Seen) Tokens => (conversation.AnswerTokens, conversation.Length);

    public IEnumerable<string> Say(string line, CancellationToken cancellation) => conversation.Say(line, options, cancellation);

    public IEnumerable<string> Again(CancellationToken cancellation)
    {
        if (conversation.Messages.Count == 0 || conversation.Messages[^1].Role != "assistant")
            throw new UsageException("/regenerate: there is no answer yet");
        conversation.RemoveLast();
        return conversation.Answer(options, cancellation);
    }

    public void Begin(string system)
    {
        this.system = system;
        Clear();
    }

    public void Clear()
    {
        conversation.Dispose();
        conversation = model.NewConversation(system, LongConversation.ForgetOldest);
    }

    public void Dispose() => conversation.Dispose();
}
