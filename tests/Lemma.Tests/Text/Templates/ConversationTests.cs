using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Tests.Text.Templates;

/// <summary>Templates of real models on conversations that transformers 5.12.1 rendered (bench/templates/make_cases.py): the same
/// bytes.</summary>
/// <remarks>LEMMA_TEMPLATES names another folder with templates and their conversations.json.</remarks>
public sealed class ConversationTests
{
    [Fact]
    public void RealTemplatesGiveWhatTransformersGives()
    {
        string? folder = Environment.GetEnvironmentVariable("LEMMA_TEMPLATES");
        string templates = folder ?? SharedData.FindOrSkip("data/chat-templates");
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(
            Path.Combine(folder ?? Path.Combine(AppContext.BaseDirectory, "Golden", "templates"), "conversations.json")));
        JsonElement root = golden.RootElement;
        Dictionary<string, ChatTemplate> loaded = [];
        List<string> differences = [];
        int count = 0;
        foreach (JsonElement item in root.GetProperty("cases").EnumerateArray())
        {
            string name = item.GetProperty("template").GetString()!;
            if (!loaded.TryGetValue(name, out ChatTemplate? template))
                loaded[name] = template = ChatTemplate.Load(Path.Combine(templates, name));
            string expected = item.TryGetProperty("sha256", out JsonElement sum) ? "text " + sum.GetString()
                : ConstructTests.Expected(item), actual;
            string? text = null;
            try
            {
                text = template.Render(root.GetProperty("messages").GetProperty(item.GetProperty("messages").GetString()!),
                    Options(root, item));
                actual = "text " + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
            }
            catch (TemplateException error)
            {
                actual = error.Refusal is null ? "error" : "refusal " + error.Refusal;
                text = error.Message;
            }
            count++;
            if (expected != actual)
                differences.Add($"{item}\n  Lemma {actual}: {text}");
        }
        Assert.True(differences.Count == 0, $"{differences.Count} of {count} differ:\n{string.Join("\n", differences.Take(5))}");
        Assert.True(count >= 900, $"{count} conversations");
    }

    private static ChatOptions Options(JsonElement root, JsonElement item)
    {
        JsonElement setting = root.GetProperty("settings").GetProperty(item.GetProperty("setting").GetString()!);
        Dictionary<string, JsonElement> variables = root.GetProperty("tokens").EnumerateObject().ToDictionary(token =>
            token.Name, token => token.Value);
        JsonElement? Given(string name) => setting.TryGetProperty(name, out JsonElement value) ? value : null;
        foreach (JsonProperty member in setting.EnumerateObject())
            if (member.Name is not ("tools" or "documents" or "add_generation_prompt"))
                variables[member.Name] = member.Value;
        return new ChatOptions
        {
            Tools = Given("tools"),
            Documents = Given("documents"),
            AddGenerationPrompt = Given("add_generation_prompt")?.GetBoolean() ?? false,
            Variables = variables,
            Now = root.GetProperty("now").GetDateTime(),
        };
    }
}
