using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Language.Serving;

/// <summary>How hard a model may be asked to think: which of the variables that chat templates have for it change what this one writes.</summary>
internal sealed class EffortVariables
{
    private const string Effort = "reasoning_effort", None = "none";
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

    /// <summary>The variable that asks for an effort; null where the template has none that can.</summary>
    public KeyValuePair<string, JsonElement>? Variable(string effort)
    {
        if (hasEffort && effort != None)
            return new(Effort, JsonElement.Parse($"\"{JsonEncodedText.Encode(effort)}\""));
        return thinks is null ? null : new(thinks, JsonElement.Parse(effort == None ? "false" : "true"));
    }

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
