using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Language.Serving;

/// <summary>How hard a model may be asked to think: which of the variables that chat templates have for it change what this one writes.</summary>
internal sealed class EffortVariables
{
    // What no template has a word for: one that writes it has words for everything.
    private const string Unheard = "\"unheard-of\"";
    private const string Effort = "reasoning_effort", None = "none";
    private static readonly string[] Usual = ["low", "medium", "high"];
    private static readonly string[] Switches = ["enable_thinking", "thinking"];
    private static readonly ChatMessage[] Asked = [new("user", "a")];
    private readonly ChatTemplate template;
    private readonly bool hasEffort;
    private readonly string? thinks;

    /// <summary>Finds them: two conversations that differ in the variable alone are written and compared.</summary>
    public EffortVariables(ChatTemplate template)
    {
        this.template = template;
        hasEffort = Matters(Effort, "\"low\"", "\"high\"");
        thinks = Array.Find(Switches, name => Matters(name, "true", "false"));
    }

    /// <summary>The variable that asks for an effort; null where the template has none that can, or does not know the effort.</summary>
    public KeyValuePair<string, JsonElement>? Variable(string effort)
    {
        if (hasEffort && effort != None)
        {
            JsonElement value = JsonElement.Parse($"\"{JsonEncodedText.Encode(effort)}\"");
            return Usual.Contains(effort) || Knows(value.GetRawText()) ? new(Effort, value) : null;
        }
        return thinks is null ? null : new(thinks, JsonElement.Parse(effort == None ? "false" : "true"));
    }

    // A value that the template refuses, or leaves aside as it does any other word, would change nothing.
    private bool Knows(string value) => Written(Effort, value) is { } text && text != Written(Effort, Unheard);

    private bool Matters(string variable, string one, string other) =>
        Written(variable, one) is { } text && Written(variable, other) is { } different && text != different;

    private string? Written(string variable, string value)
    {
        try
        {
            Dictionary<string, JsonElement> variables = new() { [variable] = JsonElement.Parse(value) };
            return template.Render(Asked, new ChatOptions { AddGenerationPrompt = true, Now = DateTime.Now, Variables = variables });
        }
        catch (TemplateException)
        {
            // A template that refuses the value, or wants more than a question, has no use for it here.
            return null;
        }
    }
}
