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
        Named = Turns + "{% if reasoning_effort == 'high' %}think hard\n{% elif reasoning_effort == 'low' %}be quick\n{% endif %}assistant: ",
        Strict = "{% if reasoning_effort is defined and reasoning_effort not in ['low', 'high', 'xhigh'] %}{{ raise_exception('no such effort') }}{% endif %}" + Graded,
        Both = Graded + "{% if thinking is defined and not thinking %}no thoughts\n{% endif %}";

    [Theory]
    [InlineData(Graded, "high", "reasoning_effort", "\"high\"")]
    [InlineData(Graded, "none", null, "")]
    [InlineData(Switched, "none", "enable_thinking", "false")]
    [InlineData(Switched, "low", "enable_thinking", "true")]
    [InlineData(Both, "none", "thinking", "false")]
    [InlineData(Both, "xhigh", "reasoning_effort", "\"xhigh\"")]
    [InlineData(ChatModel.Template, "high", null, "")]
    [InlineData(Graded, "max", "reasoning_effort", "\"max\"")]
    [InlineData(Named, "medium", "reasoning_effort", "\"medium\"")]
    [InlineData(Named, "max", null, "")]
    [InlineData(Strict, "xhigh", "reasoning_effort", "\"xhigh\"")]
    [InlineData(Strict, "max", null, "")]
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
    public async Task AnthropicsMessagesCarryIt()
    {
        const string asked = """{"model":"tiny","messages":[{"role":"user","content":"ab"}],"output_config":{"effort":"EFFORT"}""";
        await using TestServer server = await TestServer.StartAsync(template: Graded), none = await TestServer.StartAsync(), named = await TestServer.StartAsync(template: Named);
        int usual = server.ChatPrompt("effort: medium\nuser: ab\nassistant: ").Length;
        foreach ((string effort, int more) in (IEnumerable<(string, int)>)[("low", -3), ("medium", 0), ("high", -2), ("xhigh", -1), ("max", -3)])
        {
            string body = asked.Replace("EFFORT", effort, StringComparison.Ordinal);
            (int status, JsonElement reply, _) = await server.PostAsync("/v1/messages", body + ",\"max_tokens\":3}");
            Assert.True(status == 200, reply.ToString());
            JsonElement usage = reply.GetProperty("usage");
            Assert.Equal(usual + more, usage.GetProperty("input_tokens").GetInt32() + usage.GetProperty("cache_read_input_tokens").GetInt32());
            Assert.Equal(usual + more, (await server.PostAsync("/v1/messages/count_tokens", body + "}")).Body.GetProperty("input_tokens").GetInt32());
        }
        foreach ((TestServer at, string effort, string says) in (IEnumerable<(TestServer, string, string)>)
            [(server, "huge", "must be one of low, medium, high, xhigh, max, but it is 'huge'"), (server, "none", "but it is 'none'"), (none, "high", "no variable that knows 'high'"), (named, "max", "no variable that knows 'max'")])
        {
            (int status, JsonElement reply, _) = await at.PostAsync("/v1/messages", asked.Replace("EFFORT", effort, StringComparison.Ordinal) + ",\"max_tokens\":3}");
            Assert.Equal((400, "invalid_request_error"), (status, reply.GetProperty("error").GetProperty("type").GetString()));
            Assert.Contains("'output_config.effort'", reply.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.Contains(says, reply.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        }
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
