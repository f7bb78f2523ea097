using System.Text.Json;
using Lemma.Extensions.AI;
using Lemma.Language;
using Lemma.Language.Serving;
using Lemma.Tests.Language;
using Microsoft.Extensions.AI;

namespace Lemma.Tests.Server;

/// <summary>An effort of reasoning reaches the model by the variable that its chat template has for it, and is refused where there is none.</summary>
public class ReasoningEffortTests
{
    private const string Turns = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
        Graded = "{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}effort: {{ reasoning_effort }}\n" + Turns + "assistant: ",
        Switched = Turns + "assistant: {% if enable_thinking is defined and enable_thinking is false %}no thoughts\n{% endif %}",
        Both = Graded + "{% if thinking is defined and not thinking %}no thoughts\n{% endif %}";

    [Theory]
    [InlineData(Graded, "high", "reasoning_effort", "\"high\"")]
    [InlineData(Graded, "none", null, "")]
    [InlineData(Switched, "none", "enable_thinking", "false")]
    [InlineData(Switched, "low", "enable_thinking", "true")]
    [InlineData(Both, "none", "thinking", "false")]
    [InlineData(Both, "xhigh", "reasoning_effort", "\"xhigh\"")]
    [InlineData(ChatModel.Template, "high", null, "")]
    public void TheVariableIsFoundFromTheTemplate(string template, string effort, string? variable, string value)
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 400, template);
        using LanguageEngine engine = new(model);
        KeyValuePair<string, JsonElement>? found = engine.Effort(effort);
        Assert.Equal((variable, value), (found?.Key, found?.Value.GetRawText() ?? ""));
    }

    [Theory]
    [InlineData("/v1/chat/completions", """ "messages": [{"role": "user", "content": "ab"}], "max_tokens": 9, "seed": 3, "logit_bias": {"260": 100, "261": 100}, """,
        "\"reasoning_effort\": \"high\"", "reasoning_effort")]
    [InlineData("/v1/responses", """ "input": "ab", "max_output_tokens": 16, "seed": 3, "logit_bias": {"260": 100, "261": 100}, """,
        "\"reasoning\": {\"effort\": \"high\"}", "reasoning.effort")]
    public async Task RequestsCarryIt(string path, string said, string asked, string param)
    {
        await using TestServer server = await TestServer.StartAsync(template: Graded);
        async Task<(int Prompt, string Body)> Ask(string more)
        {
            (int status, JsonElement body, _) = await server.PostAsync(path, $$"""{"model": "tiny", {{said}} {{more}}}""");
            Assert.True(status == 200, body.ToString());
            JsonElement usage = body.GetProperty("usage");
            return ((usage.TryGetProperty("prompt_tokens", out JsonElement prompt) ? prompt : usage.GetProperty("input_tokens")).GetInt32(), body.ToString());
        }
        // "high" has two letters fewer than "medium", each an id.
        int usual = (await Ask("\"top_p\": 1")).Prompt;
        (int high, string reply) = await Ask(asked);
        Assert.Equal(usual - 2, high);
        Assert.Equal(high, (await Ask("\"chat_template_kwargs\": {\"reasoning_effort\": \"high\"}")).Prompt);
        if (path.EndsWith("responses", StringComparison.Ordinal))
            Assert.Equal("high", JsonElement.Parse(reply).GetProperty("reasoning").GetProperty("effort").GetString());
        // What the request sets itself stays.
        Assert.Equal(high - 1, (await Ask(asked + ", \"chat_template_kwargs\": {\"reasoning_effort\": \"low\"}")).Prompt);
        (int wrong, JsonElement error, _) = await server.PostAsync(path, $$"""{"model": "tiny", {{said}} {{asked.Replace("high", "huge", StringComparison.Ordinal)}}}""");
        Assert.Equal((400, param), (wrong, error.GetProperty("error").GetProperty("param").GetString()));
    }

    [Fact]
    public async Task ChatOptionsCarryIt()
    {
        using TemporaryFolder folder = new();
        using LanguageModel model = ChatModel.Load(folder, 400, Graded);
        using LanguageEngine engine = new(model);
        using LemmaChatClient client = new(engine, "tiny");
        async Task<long?> Ask(ReasoningEffort? effort) => (await client.GetResponseAsync("ab", new ChatOptions
        {
            MaxOutputTokens = 3,
            Reasoning = effort is null ? null : new ReasoningOptions { Effort = effort },
        }, TestContext.Current.CancellationToken)).Usage!.InputTokenCount;
        Assert.Equal((await Ask(null) - 2, await Ask(null) - 1), (await Ask(ReasoningEffort.High), await Ask(ReasoningEffort.ExtraHigh)));
        Assert.Contains("'none'", (await Assert.ThrowsAsync<NotSupportedException>(() => Ask(ReasoningEffort.None))).Message, StringComparison.Ordinal);
    }
}
