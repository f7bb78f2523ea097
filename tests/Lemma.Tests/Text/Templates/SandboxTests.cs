using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Tests.Text.Templates;

/// <summary>What a template may not do, and what it may use.</summary>
public sealed class SandboxTests
{
    [Theory]
    [InlineData("{% for x in range(100000) %}{% for y in range(100000) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "characters")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "steps")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}", "characters")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}", "characters")]
    [InlineData("{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}", "steps")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(5000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}", "levels deep")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(5000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s|tojson }}", "levels deep")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels deep")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "levels deep")]
    [InlineData("{{ 'x' * 1000000000 }}", "characters")]
    [InlineData("{{ 'x'.center(1000000000) }}", "characters")]
    [InlineData("{{ [0] * 1000000000 }}", "steps")]
    [InlineData("{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.replace('a', 'b' * 15000000) }}", "characters")]
    [InlineData("{{ '%1000000000d' % 1 }}", "a width may be at most 10000")]
    [InlineData("{{ range(100001) }}", "at most 100000 numbers")]
    [InlineData("{{ 10 ** 4300 }}", "a whole number may have at most 4300 digits")]
    [InlineData("{{ 2 ** 10000000000 }}", "a whole number may have at most 4300 digits")]
    [InlineData("{% set ns = namespace(n=3) %}{% for i in range(60) %}{% set ns.n = ns.n * ns.n %}{% endfor %}", "at most 4300 digits")]
    [InlineData("{{ 'x'.ljust(9223372036854775807, '\U0001F600') }}", "characters")]
    [InlineData("{{ ('1' * 10000)|int }}", "at most 4300 digits")]
    [InlineData("{{ ''.__class__.__mro__ }}", "has no attribute '__class__'")]
    [InlineData("{{ messages.append(1) }}", "may not change a list")]
    [InlineData("{% include 'file' %}", "a chat template is one file without others")]
    [InlineData("{% block b required %}{% endblock %}", "a chat template has no others")]
    [InlineData("{{ strftime_now('%Y') }}", "strftime_now: the caller must give the time")]
    [InlineData("\n\n  {{ 1 +\n    messages.foo.bar }}", "line 4, column 17: 'list object' has no attribute 'foo'")]
    public void ATemplateThatGoesTooFarIsStopped(string template, string says)
    {
        Exception? caught = null;
        // On a stack as small as some systems give to threads.
        Thread thread = new(() => caught = Record.Exception(() => ChatTemplate.Parse(template).Render([])), 1 << 20);
        thread.Start();
        thread.Join();
        Assert.Contains(says, Assert.IsType<TemplateException>(caught).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CostFollowsTheWork()
    {
        ChatTemplate template = ChatTemplate.Parse("{% set ns = namespace(s='') %}{% for m in messages %}"
            + "{% set ns.s = ns.s + m.role + ': ' %}{% set ns.s = ns.s + m.content + '\n' %}{% endfor %}{{ ns.s }}");
        ChatMessage[] messages = [.. Enumerable.Range(0, 200).Select(i => new ChatMessage("user", new string((char)('a' + i % 26), 4000)))];
        Assert.Equal(200 * (4000 + 7), template.Render(messages).Length);
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("-", "")]
    [InlineData("not ", "")]
    [InlineData("[1, ", "]")]
    [InlineData("range(", ")")]
    public void DeepNestingIsRefusedAtOnce(string open, string close)
    {
        static string Repeat(string part, int count) => string.Concat(Enumerable.Repeat(part, count));
        Assert.NotNull(ChatTemplate.Parse("{{ " + Repeat(open, 90) + "1" + Repeat(close, 90) + " }}"));
        TemplateException error = Assert.Throws<TemplateException>(
            () => ChatTemplate.Parse("{{ " + Repeat(open, 100_000) + "1" + Repeat(close, 100_000) + " }}"));
        Assert.Contains("at most 100 levels deep", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongChainsAreStoppedBeforeTheStackIs()
    {
        foreach (string part in (string[])[" + 1", "|string", ".a", " or 0", "[0]", " is none"])
        {
            ChatTemplate template = ChatTemplate.Parse("{% if x is defined %}{{ messages" + string.Concat(Enumerable.Repeat(part,
                part == " is none" ? 1 : 20_000)) + " }}{% endif %}");
            Assert.Equal("", template.Render([]));
        }
        Assert.Contains("levels deep", Assert.Throws<TemplateException>(
            () => ChatTemplate.Parse("{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 20_000)) + " }}").Render([])).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void LimitsAreTheCallers()
    {
        ChatTemplate template = ChatTemplate.Parse("{% for m in messages %}{{ m.content }}{% endfor %}");
        ChatMessage[] messages = [new("user", "four"), new("user", "more")];
        Assert.Equal("fourmore", template.Render(messages));
        TemplateException Refused(TemplateLimits limits) =>
            Assert.Throws<TemplateException>(() => template.Render(messages, new ChatOptions { Limits = limits }));
        Assert.Contains("at most 5 steps", Refused(new TemplateLimits { Steps = 5 }).Message, StringComparison.Ordinal);
        Assert.Contains("at most 7 characters", Refused(new TemplateLimits { Length = 7 }).Message, StringComparison.Ordinal);
        Assert.Contains("at most 2 levels", Refused(new TemplateLimits { Depth = 2 }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesOfTheConversationAreChecked()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ messages }}");
        static JsonElement Json(string text) => JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 5000 }).RootElement;
        Assert.Equal("[{'a': 1}]", template.Render(Json("[{\"a\": 2, \"a\": 1}]")));
        Assert.Contains("valid Unicode", Assert.Throws<TemplateException>(() => template.Render(Json("[\"\\ud800\"]"))).Message,
            StringComparison.Ordinal);
        Assert.Equal("[123456789012345678901, -18446744073709551616]",
            template.Render(Json("[123456789012345678901, -18446744073709551616]")));
        Assert.Contains("4300 digits", Assert.Throws<TemplateException>(() => template.Render(Json($"[{new string('9', 4301)}]"))).Message,
            StringComparison.Ordinal);
        string deep = new string('[', 2000) + new string(']', 2000);
        Assert.Contains("levels deep", Assert.Throws<TemplateException>(() => template.Render(Json(deep))).Message,
            StringComparison.Ordinal);
    }
}
