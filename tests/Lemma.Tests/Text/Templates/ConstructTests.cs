using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Tests.Text.Templates;

/// <summary>Small templates, construct by construct, that jinja2 3.1.6 rendered (bench/templates/make_cases.py).</summary>
public sealed class ConstructTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "templates", "constructs.json"))).RootElement;

    [Fact]
    public void EveryConstructGivesWhatJinjaGives()
    {
        ChatOptions options = Options();
        List<string> differences = [];
        foreach (JsonElement item in Golden.GetProperty("cases").EnumerateArray())
        {
            string template = item.GetProperty("template").GetString()!;
            string expected = Expected(item), actual;
            try
            {
                actual = "text " + ChatTemplate.Parse(template).Render([], options);
            }
            catch (TemplateException error)
            {
                actual = error.Refusal is null ? "error" : "refusal " + error.Refusal;
                Assert.Matches("^template: line [0-9]+, column [0-9]+: .", error.Message);
            }
            if (expected != actual)
                differences.Add($"{template}\n  jinja2 {expected}\n  Lemma  {actual}");
        }
        Assert.True(differences.Count == 0, string.Join("\n", differences));
    }

    internal static string Expected(JsonElement item) => item.TryGetProperty("text", out JsonElement text) ? "text " + text.GetString()
        : item.TryGetProperty("refusal", out JsonElement refusal) ? "refusal " + refusal.GetString() : "error";

    internal static ChatOptions Options() => new()
    {
        Now = Golden.GetProperty("now").GetDateTime(),
        Variables = Golden.GetProperty("variables").EnumerateObject().ToDictionary(static member => member.Name, static member =>
            member.Value),
    };

    internal static IEnumerable<string> Templates =>
        Golden.GetProperty("cases").EnumerateArray().Select(item => item.GetProperty("template").GetString()!);
}
