using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>The chat template for models that have none: "Q: " and a question, "A: " and its answer, each on its own line, as the built-in stories ask.</summary>
/// <remarks>Before the whole stands the begin token, where there is one. An answer ends with the end token, where there is one, and a line feed. A model
/// that was tuned on this form is saved with its text, so that it is talked to in the same form.</remarks>
public static class PlainTemplate
{
    /// <summary>The template as it is written.</summary>
    public const string Text = "{{ bos_token }}{% for message in messages %}"
        + "{% if message.role == 'user' %}{{ 'Q: ' + message.content + '\\n' }}"
        + "{% elif message.role == 'assistant' %}{{ 'A: ' + message.content }}{{ eos_token }}{{ '\\n' }}"
        + "{% elif message.role == 'system' %}{{ message.content + '\\n' }}"
        + "{% else %}{{ raise_exception('the plain form knows the roles system, user and assistant, but not ' + message.role) }}{% endif %}"
        + "{% endfor %}{% if add_generation_prompt %}{{ 'A:' }}{% endif %}";

    /// <summary>The template for a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="endId">The id that ends an answer; null for none. Both ids must be of added tokens, which are found in a text.</param>
    /// <param name="beginId">The id that begins a text; null for none.</param>
    public static ChatTemplate For(Tokenizer tokenizer, int? endId, int? beginId = null)
    {
        Dictionary<string, string> tokens = [];
        foreach ((string name, int? id) in (ReadOnlySpan<(string, int?)>)[("eos_token", endId), ("bos_token", beginId)])
            if (id is { } known)
                tokens[name] = tokenizer.AddedTokens.FirstOrDefault(token => token.Id == known)?.Content
                    ?? throw new ArgumentException($"plain template: the {name} must be an added token of the tokenizer, but the id {known} is none");
        return ChatTemplate.Parse(Text, tokens);
    }
}
