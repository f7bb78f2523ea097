using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>The chat template for models that have none: "Q: " and a question, "A: " and its answer, each on its own line, as the built-in stories ask.</summary>
/// <remarks>An answer ends with the end token, where there is one, and a line feed. A model that was tuned on this form is saved with its text, so that it is
/// talked to in the same form.</remarks>
public static class PlainTemplate
{
    /// <summary>The template as it is written.</summary>
    public const string Text = "{% for message in messages %}"
        + "{% if message.role == 'user' %}{{ 'Q: ' + message.content + '\\n' }}"
        + "{% elif message.role == 'assistant' %}{{ 'A: ' + message.content }}{{ eos_token }}{{ '\\n' }}"
        + "{% elif message.role == 'system' %}{{ message.content + '\\n' }}"
        + "{% else %}{{ raise_exception('the plain form knows the roles system, user and assistant, but not ' + message.role) }}{% endif %}"
        + "{% endfor %}{% if add_generation_prompt %}{{ 'A:' }}{% endif %}";

    /// <summary>The template for a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="endId">The id that ends a text, which must be an added token of the tokenizer; null for none.</param>
    public static ChatTemplate For(Tokenizer tokenizer, int? endId)
    {
        if (endId is not { } end)
            return ChatTemplate.Parse(Text);
        Require.That(tokenizer.AddedTokens.Any(token => token.Id == end),
            $"plain template: the end token must be one that is found in a text, but the id {end} is no added token");
        return ChatTemplate.Parse(Text, new Dictionary<string, string> { ["eos_token"] = tokenizer.PieceOf(end) });
    }
}
